r"""Unicode mathematics in the alphabet of `spelling`: vulgar fractions, scripts, signs, Chinese.

NFKC brings x², tⁿ, aₙ, 10⁻³ down to the line, which would make tn of tⁿ; so scripts are marked
before it.
"""

from __future__ import annotations

import re
import unicodedata

_SIGNS = {
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "﹣": "-", "×": "*", "·": "*", "⋅": "*",
    "∙": "*", "•": "*", "∗": "*", "÷": "/", "∕": "/", "⁄": "/", "√": "\\sqrt ", "∛": "\\sqrt[3]",
    "∜": "\\sqrt[4]", "ℝ": "\\mathbb{R}", "ℤ": "\\mathbb{Z}", "ℕ": "\\mathbb{N}",
    "ℚ": "\\mathbb{Q}", "ℂ": "\\mathbb{C}", "⩽": "≤", "⩾": "≥", "≦": "≤", "≧": "≥", "≃": "≈",
    "≅": "≈", "≒": "≈", "℃": "°C", "℉": "°F", "µ": "μ", "∣": "|", "、": ",", "；": ";", "，": ",",
    "：": ":", "｛": "⦃", "｝": "⦄", "⟨": "\\langle ", "⟩": "\\rangle ", "〈": "\\langle ",
    "〉": "\\rangle ", "【": "[", "】": "]", "º": "°", "˚": "°", "∶": " : ", "⌊": "\\lfloor ",
    "⌋": "\\rfloor ", "⌈": "\\lceil ", "⌉": "\\rceil ", "∧": "∧", "¬": "\\neg ",
    "∠": "\\angle ", "△": "\\triangle ", "⊙": "\\odot ", "⋯": "…", "。": ".", "ⅈ": "i", "ⅇ": "e",
    "\u200b": "", "\ufeff": "", "\u2061": "", "\u2062": "*", "\u2009": " ", "\u202f": " ",
    "′": "'", "″": "''", "‘": "'", "’": "'", "“": '"', "”": '"', "㎝": "cm", "ϕ": "\\phi ",
    "ϵ": "\\epsilon ", "‰": "\\text{permille}", "∀": "\\forall ",
}  # fmt: skip
_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda nu xi rho sigma tau upsilon "
    "phi chi psi omega Gamma Delta Theta Lambda Xi Sigma Phi Psi"
)
_SIGNS |= dict(
    zip("αβγδεζηθικλνξρστυφχψωΓΔΘΛΞΣΦΨ", [f"\\{name} " for name in _GREEK.split()], strict=True)
)
_TRANSLATE = str.maketrans(_SIGNS)

_LAST = 0x2FFF  # no script stands beyond
_NOT_SCRIPTS = "ªº℠™"
_ALL = [chr(code) for code in range(0x80, _LAST) if chr(code) not in _NOT_SCRIPTS]


def _standing(where: str) -> str:
    return "".join(c for c in _ALL if unicodedata.decomposition(c).startswith(f"<{where}>"))


_RAISED = re.compile(f"[{re.escape(_standing('super'))}]+(?!⁄)")  # x²
_LOWERED = re.compile(f"[{re.escape(_standing('sub'))}]+")  # aₙ
_VULGAR = re.compile("[¼-¾⅐-⅞↉]")  # ½
_TEXT_FRACTION = re.compile(r"[⁰¹²³⁴-⁹]+⁄[₀-₉]+")  # ³⁄₇
_RADICAL = re.compile(r"√\s*(\d+(?:\.\d+)?)")  # √12
_BAR = re.compile("((?:\\d\u0305)+)")  # 0.3̅
_DOT = re.compile("(\\d)\u0307")  # 0.3̇

_ROOT_SIGN = re.compile(r"根号\s*(?=[\d({\\A-Za-z])")  # 根号2
_COMPARED = {
    "大于等于": "≥", "大于或等于": "≥", "不小于": "≥",
    "小于等于": "≤", "小于或等于": "≤", "不大于": "≤",
    "不等于": "≠", "大于": ">", "小于": "<", "等于": "=", "属于": "∈",
}  # fmt: skip
_COMPARING = re.compile("|".join(_COMPARED))
_CHINESE_FRACTION = re.compile(r"(\d+)\s*分之\s*(\d+)")  # 3分之1
_CHINESE_MIXED = re.compile(r"(\d+)\s*又\s*(?:(\d+)\s*/\s*(\d+)|(?=\\[dt]?frac))")  # 2又1/3
_CHINESE_RATIO = re.compile(
    r"(?<=[\d一二三四五六七八九十])\s*比\s*(?=[\d一二三四五六七八九十])"
)  # 4比3

_CIRCLED = re.compile(r"([①-⑨])(?=\s*[^①-⑳\s,;，；、和])")  # the ① of "① 4 ② 9"
_CHOSEN = re.compile(r"(?:选择?)?[①-⑳](?:[\s、,，;；和与及]*[①-⑳])*(?:正确|成立)?")  # ①、③ and 选①③
_ANY_CIRCLED = re.compile("[①-⑳]")


def alphabet(text: str) -> str:
    """The text in letters of ASCII, Chinese, and the signs of `spelling`."""
    text = _CHOSEN.sub(_chosen, _VULGAR.sub(_vulgar, _uncircled(text)))
    text = _TEXT_FRACTION.sub(lambda found: f"({unicodedata.normalize('NFKC', found[0])})", text)
    text = with_scripts(text)
    text = _BAR.sub(lambda found: "\\overline{" + found[1].replace("\u0305", "") + "}", text)
    text = _DOT.sub(r"\\dot{\1}", text)
    text = _RADICAL.sub(r"\\sqrt{\1}", _chinese(text)).translate(_TRANSLATE)
    return unicodedata.normalize("NFKC", text).translate(_TRANSLATE)


def with_scripts(text: str) -> str:
    """The text with ^{…} and _{…} for what Unicode raises and lowers."""
    text = _RAISED.sub(lambda found: f"^{{{_plain(found[0])}}}", text.replace("º", "°"))
    return _LOWERED.sub(lambda found: f"_{{{_plain(found[0])}}}", text)


def _plain(script: str) -> str:
    return unicodedata.normalize("NFKC", script).replace("−", "-")


def _chinese(text: str) -> str:
    if "于" in text:
        text = _COMPARING.sub(lambda found: _COMPARED[found[0]], text)
    if "分" in text or "又" in text:
        text = _CHINESE_FRACTION.sub(r"\2/\1", text)
        text = _CHINESE_MIXED.sub(_mixed, text)
    if "比" in text:
        text = _CHINESE_RATIO.sub(":", text)
    if "无穷" in text:
        text = text.replace("无穷大", "∞").replace("正∞", "+∞").replace("负∞", "-∞")
    return _ROOT_SIGN.sub(r"\\sqrt ", text) if "根号" in text else text


def _vulgar(found: re.Match[str]) -> str:
    top, bottom = unicodedata.normalize("NFKC", found[0]).split("⁄")
    return f" \\frac{{{top}}}{{{bottom}}}"


def _mixed(found: re.Match[str]) -> str:
    """2又1/3 as 2\\frac{1}{3}."""
    return f"{found[1]}\\frac{{{found[2]}}}{{{found[3]}}}" if found[2] else found[1]


def _chosen(found: re.Match[str]) -> str:
    """①、③ as the words "circled 1 3"."""
    places = sorted({ord(mark) - ord("①") + 1 for mark in _ANY_CIRCLED.findall(found[0])})
    return f" \\text{{circled {' '.join(map(str, places))}}} "


def _uncircled(text: str) -> str:
    """① 4 ② 9 as (1) 4 (2) 9; ①③ stays, as it chooses."""
    text = text.strip()
    marks = _CIRCLED.findall(text)
    if len(marks) < 2 or len(marks) != len(_ANY_CIRCLED.findall(text)) or text[0] != marks[0]:
        return text
    return _CIRCLED.sub(lambda found: f" ({ord(found[1]) - ord('①') + 1}) ", text).strip()
