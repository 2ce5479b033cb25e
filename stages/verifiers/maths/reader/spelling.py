r"""One spelling for what is written in many: the text that words, tokens and units are read from.

`tidy` turns an answer into text in which

    “…”         was \text{…}, \mbox{…}, \mathrm{…} and their like
    * / ± ∓     operators        ≤ ≥ ≠ ≈ < > = ∈ ∪ ∩ ∖   relations and sets
    ∞ π ° ∅     constants, the degree sign, the empty set
    ⦃ ⦄         braces of a set ({ } only group)
    ∨ ∧         the words "or", "and", 或, 和 between answers
    ¤           a dollar sign that is money

and layout (\left, \displaystyle, \, \quad, $…$, \(…\), a final full stop) is gone. Other commands
stay as they are. Only spelling is changed, by passes that are linear in the length of the text.
`fold` is a text as words are compared.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from stages.verifiers.maths.reader.decimals import plain_decimals
from stages.verifiers.maths.reader.letters import alphabet
from stages.verifiers.maths.reader.phrases import with_congruences, with_declarations

_NOTHING = (
    "left right bigl bigr big Big Bigl Bigr bigg Bigg biggl biggr Biggl Biggr middle displaystyle "
    "textstyle limits nolimits boldsymbol mathop rm bf it underline ! mathopen mathclose mathrel "
    "mathstrut strut"
)
_COMMANDS = {
    **dict.fromkeys(_NOTHING.split(), ""),
    **dict.fromkeys([",", ";", ":", ">", "quad", "qquad", "enspace", "thinspace", "\n"], " "),
    **dict.fromkeys(["dfrac", "tfrac", "cfrac"], "\\frac"),
    **dict.fromkeys(["dbinom", "tbinom"], "\\binom"),
    **dict.fromkeys(["overrightarrow", "vec"], "\\vec"),
    **dict.fromkeys(["cdot", "times", "ast"], "*"),
    **dict.fromkeys(["le", "leq", "leqslant", "leqq"], "≤"),
    **dict.fromkeys(["ge", "geq", "geqslant", "geqq"], "≥"),
    **dict.fromkeys(["ne", "neq", "not="], "≠"),
    **dict.fromkeys(["approx", "approxeq", "simeq", "doteq", "thickapprox"], "≈"),
    **dict.fromkeys(["emptyset", "varnothing"], "∅"),
    **dict.fromkeys(["setminus", "backslash", "smallsetminus"], "∖"),
    **dict.fromkeys(["land", "wedge"], "∧"),
    **dict.fromkeys(["lor", "vee"], "∨"),
    **dict.fromkeys(["lvert", "rvert", "vert", "mid", "|", "Vert"], "|"),
    **dict.fromkeys(["{", "lbrace"], "⦃"),
    **dict.fromkeys(["}", "rbrace"], "⦄"),
    **dict.fromkeys(["ldots", "dots", "cdots", "dotsc", "dotsb"], "…"),
    "lt": "<", "gt": ">", "div": "/", "pm": "±", "mp": "∓", "in": "∈", "notin": "∉", "cup": "∪",
    "cap": "∩", "infty": "∞", "pi": "π", "circ": "°", "degree": "°", "equiv": "≡",
    "lbrack": "[", "rbrack": "]", "lparen": "(", "rparen": ")", "%": "%", "$": "¤", " ": " ",
    "#": "#", "_": "_", "Omega": "Ω", "ohm": "Ω", "mu": "μ", "colon": ":", "(": " ", ")": " ",
    "[": " ", "]": " ", "backprime": "'", "forall": " for all ", "euro": "€", "pounds": "£",
    "yen": "¥",     "lang": "\\langle",
}  # fmt: skip
_COMMAND = re.compile(r"\\([A-Za-z]+|.)", re.DOTALL)  # \frac, \,
_QUOTED = re.compile(  # \text{ cm}, \mathrm{km/h^{-1}}, \operatorname*{sgn}
    r"\\(?:text(?:bf|it|rm|sf|tt|normal)?|mbox|hbox|mathrm|mathit|mathsf|mathbf|mathcal|emph"
    r"|operatorname\*?|mathnormal)\s*\{([^{}]*(?:(?<=\^)\{-?\d\}[^{}]*)*)\}"
)
_SPACE_SET = re.compile(  # \mathbf{R}
    r"\\(?:mathbf|mathbb|Bbb|bf)\s*(?:\{\s*([RZNQC])\s*\}|([RZNQC])(?![A-Za-z]))"
)
_COLOUR = re.compile(r"\\(?:color|textcolor)\s*\{[A-Za-z]+\}")  # \color{red}
_BOXED = re.compile(r"\\(?:boxed|fbox|ensuremath)\s*\{(.*)\}\Z", re.DOTALL)  # \boxed{5}
_NULL = re.compile(r"\\(?:left|right|middle)\s*\.")  # \left. … \right|
_PHANTOM = re.compile(  # \quad, \hphantom{0}, \hspace{1em}
    r"\\q?quad|\\[hv]?phantom\s*(?:\{[^{}]{0,20}\}|-)|\\[hv]space\*?\s*\{[^{}]{0,9}\}"
)
_PLAIN_QUOTED = re.compile(r"“\s*([-+]?[\d.,]+\s*%?)\s*”")  # \text{12}
_SIGN_QUOTED = re.compile(r"“\s*([-+=<>,;:%$ ]{1,9})\s*”")  # \text{,}
_E_NOTATION = re.compile(r"(?<=\d)\s*“\s*[eE]\s*”\s*\{?([+-]?\d+)\}?")  # 2\text{e}{-3}
_OVER = re.compile(r"\{([^{}]*)\\over(?![A-Za-z])([^{}]*)\}")  # {1 \over 2}
_UNIT = r"\{\s*“([^”{}]+)”((?:\^\{?[23]\}?)?)\s*\}"
_UNIT_FRACTION = re.compile(rf"\\frac\s*{_UNIT}\s*{_UNIT}")  # \frac{\text{m}}{\text{s}}
_CHOOSE = re.compile(r"\{([^{}\\]{1,40})\\choose(?![A-Za-z])([^{}\\]{1,40})\}")  # {5 \choose 2}
_PRIME = re.compile(r"\^\s*(?:\{\s*((?:\\prime\s*)+)\}|\\prime(?![A-Za-z]))")  # f^{\prime}
_DEGREE = re.compile(r"\^\s*(?:\{\s*°\s*\}|°)")  # 45^{\circ}
_GROUPED = re.compile(  # 1{,}000, 1\,000, 1,\!000
    r"(?<=\d)(?:\{,\}|,\\!|\\,|\\!|\{\\,\}|,\\,(?=\d{3}))\s*(?=\d{3})"
)
_MONEY = re.compile(  # $5, -$5, 5$
    r"^\s*(?:US)?\$\s*(?=[\d.+-])|(?<=\d)\s*\$\s*$|(?<=^-)\s*\$\s*(?=[\d.])"
)
AND = re.compile(  # x = 1 or x = 2, 1和2
    r"(?<![A-Za-z\\])(and|or|AND|OR|And|Or)(?![A-Za-z])|(以及|并且|或者|或|和|与|及|且)"
)
#: \text{ and }
_QUOTED_AND = re.compile(r"“\s*,?\s*(and|or|或者|或|和|与|以及|及|并且|且)\s*,?\s*”", re.IGNORECASE)
_GLUED = re.compile(r"(?<=[\d)])(or|and)(?=[A-Z(\d])")  # 3or 5
_AND_OR = re.compile("[oO][rR]|[aA][nN][dD]|[或和与及且]")
_OR = {"or", "或", "或者"}
_MICRO = re.compile(r"μ\s+(?=[A-Za-z])|μ\s*“\s*(?=[A-Za-z])")  # \mu \text{m}
_OHM = re.compile(r"“\s*([kMGmμ])\s*”\s*Ω")  # \mathrm{k}\Omega
_MODULO = re.compile(  # 4 \pmod 7, of a plain number
    r"(?<=\d)\s*(?:\\pmod|\(\s*(?:\\bmod|\\mod|mod))\s*\{?\s*\d+\s*[})]?\s*$"
)
_ANGLED = re.compile(r"<([^<>=]*,[^<>=]*)>")  # <1, 2>
_BOLD = r"\\(?:mathbf|boldsymbol|bm|vec|hat)\s*"
_UNIT_VECTOR = re.compile(  # \mathbf{i}, \vec{\imath}, \hat j
    _BOLD + r"(?:\{\s*\\(?:mathbf|boldsymbol|bm)\s*\{\s*([ijk])\s*\}\s*\}"
    r"|\{\s*\\?([ijk])(?:math)?\s*\}|\\?([ijk])(?:math)?(?![A-Za-z]))"
)
_OTHER_UNIT_VECTOR = re.compile(_UNIT_VECTOR.pattern.replace("[ijk]", "[jk]"))
_COEFFICIENT = re.compile(  # 3 + i4
    r"i(?<![A-Za-z\\_{^}\d)“]i)(\d+(?:\.\d+)?)(?![\d.!^A-Za-z_/])"
)
_TIMES = re.compile(r"(?<=\d) ?[xX] ?(?=10 ?\^)")  # 2 x 10^5
_DOUBLED = re.compile(r"\\\\([A-Za-z]|\{|\})")  # \\frac
_STOP = re.compile(r"[.,;]\s*(?=\\end\{cases\}|\\\\)")  # the full stop of "x > 0. \end{cases}"
_END = " \t\r\n.。,?？;；"

#: A control character where JSON or a shell has read the escape of a command: "\f" + "rac{1}{2}".
_EATEN = {
    "\x07": "a", "\x08": "b", "\t": "t", "\n": "n", "\x0b": "v", "\x0c": "f", "\r": "r",
}  # fmt: skip
_COMMANDS_EATEN = re.compile(
    r"\x07(?=lpha|ngle|pprox|rc)|\x08(?=inom|ar|igl|igr|ig|oldsymbol|eta|egin|oxed|ot)"
    r"|\t(?=ext|imes|an(?![a-z])|heta|frac|riangle|o(?![a-z])|au(?![a-z]))|\n(?=eq(?![a-z])|otin)"
    r"|\x0b(?=ec|arphi|ert|arepsilon|artheta|ee)|\x0c(?=rac|loor|box)"
    r"|\r(?=ight|angle|floor|ceil|ho(?![a-z])|vert|brace|m(?![a-z]))"
)


@lru_cache(maxsize=64)
def tidy(text: str) -> str:
    """The text in the alphabet above."""
    text = _COMMANDS_EATEN.sub(lambda found: f"\\{_EATEN[found[0]]}", text)
    if not text.isascii():
        text = alphabet(text)
    text = text.strip().rstrip("\\").rstrip().replace("...", "…")
    if "\\" in text or "{,}" in text:
        text = _without_commands(text)
    text = _signs(text)
    if _AND_OR.search(text):
        text = AND.sub(connective, _QUOTED_AND.sub(connective, _GLUED.sub(r" \1 ", text)))
    text = plain_decimals(with_congruences(with_declarations(text)))
    return " ".join(text.replace("~", " ").split()).lstrip(",!?=: ").rstrip(_END)


def fold(text: str) -> str:
    r"""Text as a word is compared: "\text{(C)}" and "c" are the same."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    text = _QUOTED.sub(r" \1 ", text.replace("$", "").replace("**", "").replace("~", " "))
    text = text.replace("\\(", "").replace("\\)", "").replace("\\ ", " ").replace("\\,", " ")
    return " ".join(text.split()).strip("()[]{}.。,;!?！？:\"'*“” ").casefold()


def unboxed(text: str) -> str:
    r"""The inside of one \boxed{…} around the whole text."""
    found = _BOXED.match(text.strip().strip("$").strip())
    return found[1] if found and balanced(found[1]) else text


def balanced(text: str) -> bool:
    """Braces that close what they open."""
    depth = 0
    for letter in text:
        depth += (letter == "{") - (letter == "}")
        if depth < 0:
            return False
    return depth == 0


def connective(found: re.Match[str]) -> str:
    """∨ for "or" and 或, ∧ for the others."""
    return "∨" if any(part and part.lower() in _OR for part in found.groups()) else "∧"


def _signs(text: str) -> str:
    """Degrees, money, powers and relations that are written with several signs."""
    if "i" in text:
        text = _COEFFICIENT.sub(r"\1i", text)
    if "°" in text and "^" in text:
        text = _DEGREE.sub("°", text)
    if "$" in text or "**" in text:
        text = _dollars(text).replace("**", "^")
    if "Ω" in text:
        text = _OHM.sub(r"“\1Ω”", text)
    if "μ" in text or "mod" in text:
        text = _MICRO.sub(_micro, text)
        text = text if "≡" in text else _MODULO.sub("", text)
    if "<" in text or ">" in text or "!" in text:
        text = _angled(text)
        text = text.replace("<=", "≤").replace(">=", "≥").replace("!=", "≠")
    return _TIMES.sub("*", text) if "10" in text else text


def _without_commands(text: str) -> str:
    if "\\begin" not in text:
        text = _DOUBLED.sub(r"\\\1", text)
    elif "\\end" in text:
        text = _STOP.sub("", text)
    text = _PHANTOM.sub(" ", _GROUPED.sub("", text))
    if "\\choose" in text:
        text = _CHOOSE.sub(r"\\binom{\1}{\2}", text)
    if ("j" in text or "k" in text) and _OTHER_UNIT_VECTOR.search(text):
        text = _UNIT_VECTOR.sub(r"\\hat{\1\2\3}", text)
    text = _SPACE_SET.sub(r"\\mathbb{\1\2}", _NULL.sub(" ", text))
    text = _QUOTED.sub(r"“\1”", _COLOUR.sub("", text))
    if "\\over" in text:
        text = _OVER.sub(r"\\frac{\1}{\2}", text)
    if "\\prime" in text:
        text = _PRIME.sub(_primes, text)
    if "“" in text:
        text = _SIGN_QUOTED.sub(r" \1 ", _E_NOTATION.sub(r"e\1", _PLAIN_QUOTED.sub(r"\1", text)))
    text = _COMMAND.sub(_command, text)
    return _UNIT_FRACTION.sub(r"“\1\2/\3\4”", text) if "{“" in text else text


def _command(found: re.Match[str]) -> str:
    known = _COMMANDS.get(found[1])
    return found[0] if known is None else known


def _primes(found: re.Match[str]) -> str:
    return "'" * found[0].count("prime")


def _angled(text: str) -> str:
    """A vector in plain angle brackets: <1, 2>."""
    found = _ANGLED.fullmatch(text.strip())
    return f"\\langle {found[1]}\\rangle " if found else text


def _micro(found: re.Match[str]) -> str:
    return "“μ" if "“" in found[0] else "μ"


def _dollars(text: str) -> str:
    """Math delimiters away; a lone dollar sign before or after a number is money."""
    if text.count("$") == 1:
        text = _MONEY.sub("¤", text)
    return text.replace("$$", " ").replace("$", " ")
