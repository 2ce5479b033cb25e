r"""What stands around an answer without being part of it: Markdown, HTML, "The answer is".

    The answer is **58**.   ### Final Answer⏎58   > 58   <b>58</b>   ```latex⏎58⏎```
    Réponse : B   答えはBです   Ответ — 58   La respuesta correcta es B   B ist die Antwort

One list for words and mathematics, in MGSM's languages: bn de en es fr ja ru sw te th zh. Signs
that mean something stay: the * of 2*3*4, $…$, \(…\), the > of "x > 3" (it is a quotation only
where every line begins with it and a space). A lead that denies ("is not", "no es", 不是) is none.
Both functions are linear.
"""

from __future__ import annotations

import html
import re
import unicodedata

#: Before the noun: what concludes, articles and adjectives.
_BEFORE = """
so thus therefore hence finally the my our final correct right best
also daher somit folglich die das der meine unsere richtige korrekte endgültige finale
por·lo·tanto por·tanto así·que entonces la el mi nuestra
donc ainsi par·conséquent alors le ma notre bonne
итак таким·образом следовательно поэтому значит окончательный правильный верный итоговый
kwa·hiyo kwa·hivyo hivyo basi  সুতরাং অতএব তাই চূড়ান্ত সঠিক  కాబట్టి అందువల్ల తుది సరైన చివరి  ดังนั้น เพราะฉะนั้น สรุป
因此 所以 故 综上所述 综上 那么 本题 最终 最后 正确 的
したがって 従って よって ゆえに つまり 最終的な 最終 正しい の
"""
_NOUNS = """
answers answer solution result  antwort lösung ergebnis endergebnis  respuesta solución resultado
réponse résultat  ответ решение результат  jibu matokeo  উত্তরটি উত্তর ফলাফল  సమాధానం జవాబు ఫలితం
คำตอบ ผลลัพธ์ เฉลย  答案 结果 結果 答え 解答 回答 正解 答 解
option options choice choices opción вариант chaguo বিকল্প ఎంపిక ตัวเลือก 选项 選択肢
"""
_BEHIND = """
to·the·question to·this·question to·the·problem final finale correcta correcte correct juste
sahihi la·mwisho  ที่ถูกต้อง สุดท้าย  的 选项 应该 应
"""
_COPULAS = """
is are equals would·be must·be should·be will·be  ist sind lautet beträgt  es son  est sont vaut
это будет равен  ni ndilo  হল হলো হচ্ছে হবে  คือ  是 为 為 は が
"""


def _any(words: str) -> str:
    """Any of the words, the longest first; one of letters with cases stands by itself."""
    parts = []
    folded = unicodedata.normalize("NFKC", words)  # which parts the ำ of คำตอบ
    for word in sorted({*words.split(), *folded.split()}, key=len, reverse=True):
        spelled = re.escape(word).replace("·", r"\s+")
        cased = word[-1].lower() != word[-1].upper()
        parts.append(rf"(?<!\w){spelled}(?!\w)" if cased else spelled)
    return f"(?:{'|'.join(parts)})"


_NOUN = rf"(?:{_any(_BEFORE)}[\s,，、]*+){{0,9}}+{_any(_NOUNS)}(?:\s*+{_any(_BEHIND)}){{0,4}}+"
_COPULA = rf"{_any(_COPULAS)}(?!\s+not(?!\w))"
_LEAD = re.compile(
    rf"\s*+(?:{_NOUN}(?:\s*+{_COPULA}\s*+[:：]?|\s*+[:：=]|\s++[—–](?=\s)|[ \t]*+\n"
    r"|\s*+(?=[\d(\[$\\+-]|(?-i:[A-Z]{1,4}(?![a-z]))))"  # సమాధానం 11, Answer B
    r"|it is(?! not(?!\w))[: ])\s*+(?=\S)",
    re.IGNORECASE,
)
_TAIL = re.compile(
    rf"(?<!\s)\s*+{_COPULA}\s*+{_NOUN}(?:です)?[\s.。।!！]*+\Z"  # B is the answer
    r"|\s*+(?:です|である|となります|になります)[\s。]*+\Z|[\s।]++\Z",
    re.IGNORECASE,
)
_TAIL_ENDS = frozenset(" \t\r\n.。।!！")
_LONGEST_TAIL = 80
_MOST_LEADS = 3  # "Final answer", then "The answer is"

_DRESSED = re.compile(r"[*_`~#&<>]")
_FENCE = re.compile(r"^[ \t]*+(?:`{3,}+|~{3,}+)[ \t]*+[\w+-]{0,20}[ \t]*+$", re.MULTILINE)
_CODE = re.compile(r"(?<!`)(`{1,3})(?!`)([^`\n]+)\1(?!`)")
_HEADING = re.compile(r"^[ \t]*+#{1,6}+[ \t]++", re.MULTILINE)
_QUOTED = re.compile(r"(?:[ \t]*+>[ \t][^\n]*+(?:\n\s*+|\Z))++")
_QUOTE = re.compile(r"^[ \t]*+>[ \t]?", re.MULTILINE)
_ENTITY = re.compile(r"&(?:[A-Za-z]{2,8}|#\d{1,6});")
_BREAK = re.compile(r"<(?:br|/?p|/?div|/?li|/?h[1-6])(?:\s[^<>]{0,200})?/?>", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:b|i|u|em|strong|span|code|pre|center|mark|big|small|font)(?:\s[^<>]{0,200})?>",
    re.IGNORECASE,
)
#: **58**, ***58***, **2*3*4**; 2**3**2 and 2 ** 3 are powers.
_STRONG = re.compile(r"(?<![\w)\]}*\\])(\*{2,3})(?![\s*])((?:[^*]|\*(?!\*))+)(?<!\s)\1(?![\w(*\\])")
#: *58* alone or after a word or a colon; 5 *3* 2 is a product.
_EMPHASIS = re.compile(
    r"(?:^|(?<=[^\W\d_]{2} )|(?<=[:：])|(?<=[:：] ))\*(?![\s*])([^*\n]+)(?<!\s)\*"
    r"(?=[.,;:!。，；：]?(?:$|\s+[^\W\d_]))",
    re.MULTILINE,
)
#: _58_ and __58__; x_1 and {}_5C_2 are indices.
_UNDERLINED = re.compile(r"(?<![\w)\]}\\])(__?)(?![\s_{])([^_\n]+)(?<!\s)\1(?![\w{])")


def unwrapped(text: str) -> str:
    """The text without the marks of Markdown and HTML that only dress it."""
    if not _DRESSED.search(text):
        return text
    if "&" in text:
        text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
    if "<" in text:
        text = _BREAK.sub("\n", text)
        text = _TAG.sub("", text) if "</" in text else text
    text = _CODE.sub(r"\2", _FENCE.sub("", text))
    if ">" in text and _QUOTED.fullmatch(text.strip()):
        text = _QUOTE.sub("", text)
    text = _HEADING.sub("", text)
    text = _EMPHASIS.sub(r"\1", _STRONG.sub(r"\2", text))
    return _UNDERLINED.sub(r"\2", text).strip()


def without_lead(text: str) -> str:
    """The text without what only presents it as the answer, before it and behind it."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    for _ in range(_MOST_LEADS):
        found = _LEAD.match(text) if text.lstrip()[:1].isalpha() else None
        if not found:
            break
        text = text[found.end() :]
    if not (text[-1:].isalpha() or text[-1:] in _TAIL_ENDS):
        return text
    start = max(0, len(text) - _LONGEST_TAIL)
    tail = _TAIL.search(text, start)
    return text[: tail.start()] if tail and tail.start() else text
