r"""A number or expression with what stands around it: a sign of money, %, a unit, a noun; or words.

Read: -\$30 · 50 percent · 5 \text{ cm}^2 · 3 hours and 20 minutes · 1.5 million · 18 eggs ·
十二 · 1.5万 · 8本书 · twenty-one · 3 out of 5 · 45°30' · 7th. A lone letter after a number and a
space is a unit if it can be one (5 m), and its reading as a variable is kept beside it.
"""

from __future__ import annotations

import re
from fractions import Fraction

from stages.verifiers.han import HAN
from stages.verifiers.maths.errors import TooLarge, Unread
from stages.verifiers.maths.nodes import Node, number, symbols
from stages.verifiers.maths.reader.brackets import Brackets
from stages.verifiers.maths.reader.chinese import IS_HAN, plain_numerals, read_chinese
from stages.verifiers.maths.reader.english import read_numeral
from stages.verifiers.maths.reader.numbers import read_based
from stages.verifiers.maths.reader.phrases import is_reals
from stages.verifiers.maths.reader.words import read_words
from stages.verifiers.maths.unit_table import SCALE_WORDS
from stages.verifiers.maths.units import DEGREE, Unit, read_unit
from stages.verifiers.maths.vocabulary import FUNCTIONS, PLAIN

_ENDS = frozenset({
    ",", ";", "or", "and", "if", "where", "otherwise", "=", "<", ">", "\\lt", "\\gt", "\\le",
    "\\ge", "\\ne", "\\approx", "\\equiv", "\\in", "\\notin", "\\cup", "\\cap", "\\setminus", ":",
    "&", "\\\\", "\\end", "\\pmod",
})  # fmt: skip
_OPENING, _CLOSING = frozenset(["(", "[", "{", "\\{"]), frozenset([")", "]", "}", "\\}"])
_NO_UNITS = (FUNCTIONS.keys() - {"min", "sec"}) | {"pi", "sqrt", "theta", "cbrt"}
_SPOKEN = frozenset(["text", "word", "chinese", "money"])
_SPOKEN_SIGNS = frozenset(["%", "\\circ", "\\in", "\\min", "\\sec", "_"])
_START = re.compile(  # where a unit may begin
    rf"“|[{HAN}]|(?<![A-Za-z\\_{{])[A-Za-zμΩÅ]{{2,}}|(?<=[\d}})])\s+[A-Za-zΩ](?![A-Za-z(^_'*+=-])"
    r"|[¢¤€£¥]|°|(?<=[\d}])\s+[NWAV]\s*\*\s*[msh](?![A-Za-z])|(?<=\d)Ω"
    r"|(?<=[\d}])\s*m\s*\^\s*\{?[23]\}?\s*$"
)
_TRIGONOMETRIC = re.compile(r"(?:sin|cos|tan|cot|sec|csc)")
_CODE = re.compile(r"(USD|RMB|CNY|EUR)\s*(?=\d)")  # USD 5
_MONEY = re.compile(r"([-+]?)\s*(?:US|RMB|NT|HK)?\s*([¤¥€£])\s*([-+]?)\s*(?=[\d.\\(])")  # -$5
_PERCENT = re.compile(
    r"\s*(?:%|“\s*(?:%|percent(?:age)?|per cent|pct)\s*\.?\s*”|percent(?:age)?|per cent|pct)\s*$",
    re.IGNORECASE,
)
_PARTS = {"per mille": 1000, "permille": 1000, "‰": 1000, "basis points": 10_000,
          "basis point": 10_000, "bps": 10_000, "bp": 10_000}  # fmt: skip
_PART = re.compile(rf"\s*“?\s*({'|'.join(_PARTS)})\s*”?$", re.IGNORECASE)
_COMPOUND = re.compile(  # the 3 hours of "3 hours and 20 minutes"
    rf"(\d+(?:\.\d+)?)\s*(“[^”\d]*”|[A-Za-z]+|[{HAN}]+)\s*[,∧]?\s*(?=\d)"
)
_LAST = re.compile(rf"(\d+(?:\.\d+)?)\s*(“[^”\d]*”|[A-Za-z]+|[{HAN}]+)")
_ANGLE = re.compile(  # 45°30', 45°30'15''
    r"(-?)(\d{1,9})\s*[°度]\s*(\d{1,2}(?:\.\d+)?)\s*(?:'(?!')|分)"
    r"(?:\s*(\d{1,2}(?:\.\d+)?)\s*(?:''|秒))?"
)
_SHARE = re.compile(r"(\d+)\s*“?\s*(?:out of|in every)\s*”?\s*(\d+)")  # 3 out of 5
_ORDINAL = re.compile(  # 7th, 12th grade, 7^{\text{th}}
    r"(\d{1,9})\s*(?:\^\s*)?\{?\s*“?\s*(?:st|nd|rd|th)(?![a-z])\s*”?\s*\}?\s*"
    r"(?:“?[A-Za-z ]{0,30}”?)?"
)
#: What a percentage may go: 15% increase is not 15% decrease.
_DIRECTIONS = frozenset(
    ["increase", "decrease", "profit", "loss", "gain", "rise", "fall", "discount"]
)
_ABBREVIATIONS = {"k": 10**3, "m": 10**6, "mn": 10**6, "b": 10**9, "bn": 10**9}
_ABBREVIATED = re.compile(r"([-+]?[\d.,]+)\s*“?\s*([kKMB]|mn|bn)\s*”?")  # $1.2M
_SCALE = re.compile(rf"\s*“?\s*({'|'.join(SCALE_WORDS)})s?(?![A-Za-z])", re.IGNORECASE)
_CHINESE_NUMERAL = re.compile(
    r"(?:负|正|零下)?(?:-?\d+(?:\.\d+)?\s?(?:百万|万亿|百|千|万|亿)"
    r"|(?:百分之|千分之)?[零〇一二两三四五六七八九十百千万亿点分之又]+|负?\d[\d.]*)"
)
_LONGEST_NUMERAL = 6  # words
_SPELT = frozenset("“ abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_PERCENT_WORDS = frozenset(["percent", "per cent", "percentage points"])


def read_spoken(text: str) -> Node | None:
    """A whole text as a number in words, as words, or as a set that has a name."""
    if (spelt := _spelt(text)) is not None:
        return spelt
    if is_reals(text.strip("“” ").lower()):
        return Node("space", value="R")
    words = read_words(text)
    if words is None:
        return None
    return Node("set") if words == "no solution" else Node("words", value=words)


class Quantities(Brackets):
    """Reads one side of a relation, or one part of a list."""

    def __init__(self, source: str, grouping: bool = True) -> None:
        super().__init__(source, grouping)
        self.spoken = self.is_spoken(len(self.tokens))  # else there are no units and no words

    def measured(self) -> Node:
        """Words, a quantity, or a bare expression."""
        end = self.side_end() if self.spoken else 0
        if end and self.is_spoken(end):
            text = self.source[self.peek().start : self.tokens[end - 1].end]
            # A matrix has no unit, and its cells are read as quantities themselves: to read all of
            # them here as well takes time that is exponential in how deep they nest.
            found = None if "\\begin" in text else read_spoken(text) or self.quantity(text)
            if found is not None:
                self.position = end
                return found
        return self.sum()

    def several(self) -> Node | None:
        """What holds commas or "and" and is one quantity all the same: 3 hours and 20 minutes."""
        if not self.spoken or not ("∧" in self.source or "," in self.source):
            return None
        found = _spelt(self.source) or _compound(self.source)
        if found is not None:
            self.position = len(self.tokens)
        return found

    def side_end(self) -> int:
        """The place of the token that ends the side that begins here."""
        depth = 0
        for place in range(self.position, len(self.tokens)):
            token = self.tokens[place]
            if token.text in _OPENING:
                depth += 1
            elif token.text in _CLOSING:
                depth -= 1
                if depth < 0:
                    return place
            elif depth == 0 and token.text in _ENDS and not self._is_inch(place):
                return place
        return len(self.tokens)

    def _is_inch(self, place: int) -> bool:
        """The last word of "5 in"."""
        token = self.tokens[place]
        last = place + 1 == len(self.tokens)
        return last and self.source[token.start : token.end] == "in"

    def is_spoken(self, end: int) -> bool:
        """Whether there may be a unit, or words, before a place."""
        before = None
        if self.grouped:  # in \frac{2hg}{s} the letters are names
            return any(
                token.kind in ("chinese", "money") for token in self.tokens[self.position : end]
            )
        for token in self.tokens[self.position : end]:
            if token.kind in _SPOKEN or token.run > 1 or token.text in _SPOKEN_SIGNS:
                return True
            if token.kind == "letter" and before is not None:
                closing = before.text in (")", "}")
                if (before.kind == "number" and (token.spaced or token.text in "mΩ")) or (
                    closing and token.spaced
                ):
                    return True
            before = token
        return False

    def expression(self, text: str) -> Node | None:
        """A whole text as one expression, or None; TooLarge passes through."""
        try:
            reader = type(self)(text, self.grouping)
            found = reader.sum()
        except TooLarge:
            raise
        except Unread:
            return None
        return found if reader.peek().kind == "end" else None

    def quantity(self, text: str) -> Node | None:
        """The quantity that a whole text is, or None."""
        text = text.strip()
        if not text:
            return None
        if (("%" in text or "p" in text.lower()) and (found := self._percent(text))) or (
            ("°" in text or "度" in text) and (found := _angle(text))
        ):
            return found
        if found := self._money(text):
            return found
        if ordinal := _ORDINAL.fullmatch(text):
            return _quantity(number(int(ordinal[1])), Unit(noun="ordinal"))
        if "_" in text and (based := read_based(text)):
            return based
        return self._with_unit(text) or (_compound(text) if self.expression(text) is None else None)

    def _with_unit(self, text: str) -> Node | None:
        for start in _START.finditer(text):
            if start[0] in _NO_UNITS or (start[0] == "sec" and start.end() < len(text)):
                continue
            if start[0] == "°" and _TRIGONOMETRIC.search(text):
                continue
            return self._split(text, start.start(), start[0])
        return None

    def _percent(self, text: str) -> Node | None:
        """50 %, and what is read as so many thousandths or ten-thousandths."""
        if found := _PERCENT.search(text):
            value = self.expression(text[: found.start()])
            return None if value is None else Node("percent", (value,))
        found = _PART.search(text)
        value = self.expression(text[: found.start()]) if found else None
        if found is None or value is None:
            return None
        return Node("div", (value, number(_PARTS[found[1].lower()])))

    def _money(self, text: str) -> Node | None:
        if found := _CODE.match(text):
            named = self.quantity(text[found.end() :]) or self.expression(text[found.end() :])
            bare = named is not None and (named.kind != "quantity" or named.value[0].noun)
            unit = read_unit(found[1])
            return _quantity(_value(named), unit) if named is not None and bare and unit else None
        found = _MONEY.match(text)
        sign = read_unit(found[2]) if found else None
        if not found or sign is None or (found[1] and found[3]):
            return None
        amount = f"{found[1]}{found[3]}{text[found.end() :]}"
        value = self._abbreviated(amount) or self.expression(amount)
        return _quantity(value, sign) if value is not None else self._same_money(amount, sign)

    def _same_money(self, amount: str, sign: Unit) -> Node | None:
        r"""\$5 dollars, ¥5元, \$1.2 million: the sign and the word agree."""
        rest = _spelt(amount) or self._with_unit(amount)
        if rest is None:
            return None
        unit = rest.value[0] if rest.kind == "quantity" else None
        return _quantity(_value(rest), sign) if unit is None or unit.noun or unit == sign else None

    def _abbreviated(self, text: str) -> Node | None:
        """5k, 1.2M, 3bn: only after a sign of money."""
        found = _ABBREVIATED.fullmatch(text)
        value = self.expression(found[1]) if found else None
        if not found or value is None or value.kind != "number":
            return None
        return number(Fraction(value.value) * _ABBREVIATIONS[found[2].lower()])

    def _split(self, text: str, index: int, start: str) -> Node | None:
        """Value and unit cut at an index."""
        before, after = text[:index].rstrip(), text[index:].strip()
        if not before:
            return None
        if scale := _SCALE.match(after):
            return self._scaled(before, scale[1], after[scale.end() :].strip(" ”"))
        if share := _SHARE.fullmatch(text):
            return number(Fraction(int(share[1]), int(share[2]))) if int(share[2]) else None
        spaced = start[0] in "“¢¤" or text[index - 1 : index] == " " or not start[0].isascii()
        unit = read_unit(after.replace("¢", "cent"))
        if unit is None or (unit.noun and not spaced):
            return None
        value = self.expression(before)
        if value is not None and unit.noun and before.endswith("%"):  # 12% of apples
            percent = self._percent(before)
            turned = _DIRECTIONS & set(unit.noun.split())
            return _quantity(percent, unit) if percent and turned else percent
        if value is None or (symbols(value) and not (start == "“" and not unit.noun)):
            return None
        bare = start.strip()[:1].isalpha() and start.isascii() and start not in PLAIN
        letter = (
            self.expression(text) if bare and not unit.noun and len(start.strip()) < 4 else None
        )
        return _quantity(value, unit, letter)

    def _scaled(self, before: str, scale: str, rest: str) -> Node | None:
        """1.5 million dollars."""
        value, counted = self.expression(before), read_unit(rest) if rest else None
        if value is None or (rest and counted is None):
            return None
        factor = number(SCALE_WORDS[scale.lower()])
        total = Node("mul", (value, factor))
        if value.kind == "number":
            total = number(value.value * factor.value)
        return total if counted is None else _quantity(total, counted)


def _quantity(value: Node, unit: Unit, letter: Node | None = None) -> Node:
    return Node("quantity", (value,), (unit, letter))


def _value(node: Node) -> Node:
    return node.args[0] if node.kind == "quantity" else node


def _spelt(text: str) -> Node | None:
    """A number in words with its unit: 十二元, twenty-one, two weeks, ten percent.

    With a noun English ones stay words: "two points" is not "two lines".
    """
    if text.isascii() and text[0] not in _SPELT:
        return None
    if chinese := _chinese(text):
        return chinese
    plain = text.strip("“” ")
    numeral = read_numeral(plain)
    if numeral is not None:
        return number(numeral)
    words = plain.split()
    for cut in range(min(len(words) - 1, _LONGEST_NUMERAL), 0, -1):
        numeral = read_numeral(" ".join(words[:cut]))
        if not isinstance(numeral, int):
            continue
        rest = " ".join(words[cut:])
        if rest in _PERCENT_WORDS:
            return Node("percent", (number(numeral),))
        unit = read_unit(rest)
        return _quantity(number(numeral), unit) if unit and not unit.noun else None
    return None


def _angle(text: str) -> Node | None:
    found = _ANGLE.fullmatch(text)
    if not found:
        return None
    minutes, seconds = Fraction(found[3]), Fraction(found[4] or 0)
    degrees = int(found[2]) + minutes / 60 + seconds / 3600
    if minutes >= 60 or seconds >= 60:
        return None
    return _quantity(number(-degrees if found[1] else degrees), DEGREE)


def _compound(text: str) -> Node | None:
    """3 hours and 20 minutes: the same dimension, each unit smaller than the one before."""
    total, position = Fraction(0), 0
    last: Unit | None = None
    first: Unit | None = None
    while True:
        match = _COMPOUND.match(text, position)
        final = match is None
        match = match or _LAST.fullmatch(text, position)
        if match is None:
            return None
        minutes = match[2] == "分" and last is not None and ("time", 1) in last.dimensions
        unit = read_unit("分钟" if minutes else match[2])
        if unit is None or unit.noun or (last and unit.dimensions != last.dimensions):
            return None
        if last and unit.scale >= last.scale:
            return None
        first = first or unit
        total += Fraction(match[1]) * unit.scale / first.scale
        last, position = unit, match.end()
        if final:
            return _quantity(number(total), first)


def _chinese(text: str) -> Node | None:
    """五元, 8本书, 1.5万人, 第7: a numeral, Chinese or not, and a unit or noun."""
    text = plain_numerals(text.replace("“", "").replace("”", "")).removeprefix("第")
    if "又" in text and (mixed := read_chinese(text)):
        return number(mixed[0])
    found = _CHINESE_NUMERAL.match(text)
    if not found or not IS_HAN.search(text):
        return None
    for end in (found.end(), found.end() - 1):
        read = read_chinese(text[:end])
        rest = text[end:].strip()
        unit = read_unit(rest) if rest else None
        if read is None or (rest and unit is None):
            continue
        value = number(read[0])
        value = Node("percent", (value,)) if read[1] else value
        return value if unit is None else _quantity(value, unit)
    return None
