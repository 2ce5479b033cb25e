"""Sentences around an answer: "The answer is 18 dollars.", 答案是18元, 小明一共有8个苹果.

A lead is dropped when it is words alone, ends in a verb such as "is", and says nothing that would
change the number ("not", "at least", "between"). Linear: the words are walked once.
"""

from __future__ import annotations

import re

from stages.verifiers.han import HAN
from stages.verifiers.maths.reader.chinese import IS_HAN

_WORDS = 14  # of a lead
#: the "is" of "The answer is 5"
_WORD = re.compile(r"\s*([A-Za-z][A-Za-z'-]*)([,:]?)(?=[\s\d<>≤≥≠$¤(\\“⦃|\[-]|$)")
_VERBS = frozenset({
    "therefore", "thus", "hence", "so", "that", "is", "are", "equals", "equal", "be", "was", "has",
    "have", "had", "gets", "get", "costs", "cost", "makes", "make", "takes", "take", "needs",
    "need", "earns", "earn", "spends", "spend", "pays", "pay", "saves", "save", "answer", "value",
    "result", "total", "sum", "equaling", "sold", "sells", "bought", "ate", "eats", "there", "it",
})  # fmt: skip
CHANGING = frozenset({
    "not", "no", "none", "neither", "nor", "less", "fewer", "more", "than", "least", "most", "or",
    "maybe", "either", "almost", "nearly", "over", "under", "above", "below", "between", "minus",
    "negative", "half", "twice", "if", "unless", "plus", "times", "except", "without", "never",
    "cannot", "isn't", "aren't", "from", "to", "wrong", "incorrect", "false", "double", "third",
    "quarter", "sin", "cos", "tan", "log", "ln", "and", "sqrt", "exp", "max", "min", "mod",
    "lambda", "def", "print", "return", "import",
})  # fmt: skip
_SO = frozenset(["so", "thus", "hence", "therefore", "then"])
_ABOUT = frozenset(["about", "approximately", "roughly", "around"])
_CHINESE_LEAD = re.compile(  # 答案是, 所以
    r"(?:答案|大约|所以|约|因此|故|则|即|答|结果|最终|正确|等于|一共|总共|的|是|为|应|共|有|:|=|,|\s|得)+"
)
_CHINESE_SENTENCE = re.compile(  # 小明一共有8
    rf"([{HAN},]{{1,30}}?)([是为有得到需要花卖买共剩下]{{1,3}})(?=[-\d]|\s*[\\(\[{{A-Za-z])"
)
_CHINESE_CHANGING = re.compile(  # 至少8, 不是8
    "不|非|没|无|或|至少|至多|最少|最多|超过|大于|小于|少于|多于|约|几|[负半倍零一二三四五六七八九十百千万]"
)


def without_lead(text: str) -> tuple[str, bool]:
    """The text after its lead, and whether the lead said "about"."""
    text, about = _english(text)
    if IS_HAN.match(text):
        text = _chinese(text)
    return text, about


def _english(text: str) -> tuple[str, bool]:
    plain = text
    if text.startswith("“"):  # “The answer is ” 18
        inside, _, rest = text[1:].partition("”")
        spoken = " " in inside.strip() or inside.strip(" ,").lower() in _SO
        plain = f"{inside} {rest}" if rest.strip() and spoken else inside
        plain = plain if " " in plain.strip() else text
    position, cut, count, about = 0, 0, 0, False
    while match := _WORD.match(plain, position):
        word = match[1].lower()
        count += 1
        if count > _WORDS or word in CHANGING:
            return text, False
        if len(word) < 3 and plain[match.end() : match.end() + 1].strip():
            break  # be\cos x is a product
        position = match.end()
        if word in _VERBS or match[2] == ":" or (word in _ABOUT and (cut or count == 1)):
            cut = position
            about |= word in _ABOUT
    rest = plain[cut:].strip()
    return (rest, about) if cut and rest else (text, False)


def _chinese(text: str) -> str:
    if found := _CHINESE_LEAD.match(text):
        rest = text[found.end() :]
        if rest and not IS_HAN.match(rest):
            return rest
        text = rest or text
    found = _CHINESE_SENTENCE.match(text)
    if found and not _CHINESE_CHANGING.search(found[1].removesuffix("一")):
        return text[found.end() :]
    return text
