r"""Set phrases in formulas: no solution, all real numbers, x equals 4, where n is an integer.

`with_declarations` writes what a parameter runs through as a statement: "k\pi, k is any integer" is
"k\pi, k ∈ \mathbb{Z}"; "for all real x" and "C is a constant" declare reals.
"""

from __future__ import annotations

import re

from stages.verifiers.maths.reader.english import read_numeral

_SPACE = {
    "integer": "Z",
    "whole": "Z",
    "整数": "Z",
    "real": "R",
    "实数": "R",
    "constant": "R",
    "常数": "R",
}
_KIND = (
    r"(?P<{0}>integer|whole number|real number|real constant|arbitrary constant|constant|real|整数"
    r"|实数|任意常数|常数)s?(?: values?(?: of)?)?"
)
_ANY = r"(?:all|any|every|each|some|an?|arbitrary|任意|为任意)?[ ]?(?:arbitrary )?"
_LETTER = r"[a-zA-Z](?:_\{{?\d\}}?)?"
_NAME = (
    r"(?P<{0}>(?!an? (?:real|constant|whole|arbitrary|integer))"
    rf"{_LETTER}(?:(?: ?,| ?∧) ?{_LETTER}(?![a-zA-Z])){{{{0,4}}}})"
)
#: "where n is any integer", "for all real x", "(C is a constant)", "k 为整数"
_DECLARED = re.compile(
    r"[,(;]? ?(?:where|for|with|and|as|∧|其中)? ?(?<![A-Za-z\\])"
    rf"(?:{_ANY}{_KIND.format('before')} {_NAME.format('after')}(?![A-Za-z])(?! ?[=<>≤≥≠])"
    rf"|{_NAME.format('name')} ?(?:is|are|=|∈|being|be|为|是)? ?{_ANY}{_KIND.format('kind')}"
    r"(?![a-z])) ?\)?"
)
_FOR_ALL = re.compile(  # for all x ∈ R
    r"[,(]? ?“?(?:for|where|with) ?(?:all|any|every|each|some)?”? (?=[A-Za-z](?:_\{?\d\}?)? ?∈)"
)
_WORDED = re.compile(  # \text{ for all real }
    r"“([^”]{0,80}(?:nteger|整数|eal |eal$|onstant|常数|equal|than|whole|for all|for any"
    r"|for every)[^”]{0,80})”"
)
#: k = 0, ±1, ±2, …
_COUNTED = re.compile(r"(?<![A-Za-z\\])([a-z]) ?= ?0 ?, ?± ?1 ?,(?: ?± ?2 ?,)?(?: ?± ?3 ?,)? ?…")
_COMPARED = [
    (re.compile(rf"(?:is |are )?{words}(?![a-z])", re.IGNORECASE), f" {sign} ")
    for words, sign in (
        ("greater than or equal to", "≥"), ("less than or equal to", "≤"),
        ("greater than", ">"), ("less than", "<"), ("not equal to", "≠"), ("equal to", "="),
    )
]  # fmt: skip

_CONGRUENT = re.compile(  # n ≡ 1, 4 \pmod 5
    r"([A-Za-z](?:\^\{?\d\}?)?) ?≡ ?([-±]?\d{1,9}(?: ?[,∨∧/]+ ?[-±]?\d{1,9}){0,9}) ?,? ?"
    r"(?:\\pmod ?\{?|\(? ?(?:\\bmod|\\mod|mod) ?)(\d{1,9}) ?[})]?"
)
_BETWEEN_NAMES = re.compile(r"[,∧ ]+")
_BETWEEN_RESIDUES = re.compile(r"[,∨∧/ ]+")

_REALS = re.compile(  # all real numbers
    r"(?:[a-z] (?:is|can be|may be) )?(?:the set of )?"
    r"(?:all|any|every|each)(?: the| of the)? reals?(?: numbers?)?|real numbers"
    r"|(?:任意|全体|所有|一切)实数|实数集"
)
_NOTHING = re.compile(  # the equation has no solution
    r"(?:there (?:is|are) |(?:the |this |it )?(?:equation |system |inequality )?(?:has |have ))?"
    r"no (?:real )?(?:solutions?|roots?)(?: exists?)?|no such [a-z]+ exists?"
    r"|(?:该|此|原)?(?:方程组|方程|不等式组|不等式)?(?:没有|无)实?数?(?:解|根)"
)
_INFINITE = re.compile(  # infinitely many solutions
    r"(?:there (?:is|are) |(?:the |this |it )?(?:equation |system |inequality )?(?:has |have ))?"
    r"(?:infinitely many|infinite|(?:an )?infinite number of)(?: solutions?| roots?)?"
    r"|有?(?:无数|无穷多)(?:个|组|多个)?(?:解|根)?"
)
_EQUALS = re.compile(  # so x equals 4
    r"(?:(?:so|thus|hence|therefore|then|that|and|we (?:get|have|find))\b,? ?){0,3}"
    r"(?<![a-z])([A-Za-z]) (?:is equal to|equals|is) (?=[-\d\\(])(.+)",
    re.IGNORECASE,
)
#: the square root of 5
_ROOT = re.compile(r"(?:the )?(?:positive )?(square|cube|cubic) root of (.+)", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
#: only x = 0, x = 0 only
_ONLY = re.compile(r"^“?\s*(?:only|just|仅|只有)\s*”?\s*(?=[A-Za-z]\s*=)|\s*“?\s*only\s*”?$")


def with_congruences(text: str) -> str:
    """n ≡ 1 ∨ 4 (mod 5) as n ≡ 1 (mod 5) ∨ n ≡ 4 (mod 5)."""
    return _CONGRUENT.sub(_each_residue, text) if "≡" in text else text


def _each_residue(found: re.Match[str]) -> str:
    residues = [part.strip() for part in _BETWEEN_RESIDUES.split(found[2])]
    signed = [
        sign + part[1:] for part in residues for sign in ("+-" if part[:1] == "±" else part[:1])
    ]
    modulus = rf"\pmod{{{found[3]}}}"
    return " ∨ ".join(f"{found[1]} ≡ {part.removeprefix('+')} {modulus}" for part in signed)


def with_declarations(text: str) -> str:
    """The text with the sets that parameters run through, and comparisons in words, as signs."""
    if "“" in text:
        text = " ".join(_WORDED.sub(r" \1 ", text).split())
    if any(word in text for word in ("nteger", "整数", "eal", "onstant", "常数", "whole")):
        text = _DECLARED.sub(_declared, " ".join(text.split()))
    if "∈" in text:
        text = _FOR_ALL.sub(", ", " ".join(text.split()))
    if "…" in text:
        text = _COUNTED.sub(r"\1 ∈ \\mathbb{Z}", text)
    if "equal" in text or "than" in text:
        for pattern, sign in _COMPARED:
            text = pattern.sub(sign, text)
    return _ONLY.sub("", text) if "only" in text or "仅" in text or "只有" in text else text


def is_reals(text: str) -> bool:
    """Whether a text in small letters is a name of the real numbers."""
    return _REALS.fullmatch(text) is not None


def known_phrase(text: str) -> str | None:
    """One name for what means the same, of a folded text."""
    if _NOTHING.fullmatch(text):
        return "no solution"
    return "infinitely many" if _INFINITE.fullmatch(text) else None


def as_formula(text: str) -> str:
    r"""“So x equals 4” as x = 4, “square root of 5” as \sqrt{5}; any other text as it is."""
    if " root of " not in text and " is " not in text and "equals" not in text:
        return text
    plain = " ".join(text.replace("“", " ").replace("”", " ").split())
    if found := _EQUALS.fullmatch(plain):
        return f"{found[1]} = {found[2]}"
    if (found := _ROOT.fullmatch(plain)) and (inside := _plain_number(found[2])):
        return f"\\sqrt{'[3]' if found[1].lower() != 'square' else ''}{{{inside}}}"
    return text


def _declared(found: re.Match[str]) -> str:
    kind = found["before"] or found["kind"]
    space = next(space for word, space in _SPACE.items() if word in kind)
    names = _BETWEEN_NAMES.split(found["after"] or found["name"])
    return "".join(rf", {name} ∈ \mathbb{{{space}}}" for name in names)


def _plain_number(text: str) -> str | None:
    if _NUMBER.fullmatch(text):
        return text
    numeral = read_numeral(text)
    return str(numeral) if isinstance(numeral, int) and numeral >= 0 else None
