r"""The labels of options that a text chooses: letters A to Z, numbers 1 to 26 or Roman I to XX.

Read: B · (b) · **B** · \text{B} · Option B · The correct answer is (B). · B is correct ·
选B · 答案：(B) · 应选B项 · Réponse : B; several: ACD · A, C and D · A/C · A+C · both A and C ·
A、C和D · (A)(C) · ["A", "C"]; and a label with its text: "B. 12 cm" · "(B) 12 cm" · "B: 12 cm".
Words that hedge ("A or B", "maybe B", "not B", "B?") leave no label, nor does a label's text that
names another label by itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from string import ascii_uppercase

from stages.verifiers.bare_text import plain
from stages.verifiers.leads import without_lead

LONGEST = 200  # letters of a choice without an option's text

LETTERS = tuple(ascii_uppercase)
NUMBERS = tuple(str(number) for number in range(1, len(LETTERS) + 1))
ROMAN = tuple(
    f"{tens}{ones}"
    for tens in ("", "X")
    for ones in ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X")
)
KINDS = {"letters": LETTERS, "numbers": NUMBERS, "roman": ROMAN}

#: What chooses: "so I would go with option b", 故选：B, 应选第2项; leads.py has 答案.
_LEAD = re.compile(
    r"(?:(?:so|thus|therefore|hence),? )?"
    r"(?:(?:i|we) (?:would )?(?:choose|chose|pick|select|go with) )?(?:the )?(?:both |only |just )?"
    r"(?:(?:option|choice|answer|letter|statement)s? ?)?(?=[(\[]?[A-Za-z\d]{1,10}(?![a-z]))"
    r"|(?:(?:因此|所以|故)[, ]*)?(?:本题|我)?(?:只|应)?(?:该)?(?:选择|选项|选)(?:是|为)?"
    r"[: ]*(?:选项|第)? ?",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r" ?(?:(?:is|are) (?:correct|right|best|true)|only"
    r"|(?:ist|est|es|ni) (?:richtig|korrekt|correct[ae]?|sahihi)|(?:— )?верно|が正しい|ถูกต้อง|সঠিক"
    r"|(?:个)?(?:项|选项)?(?:是|为)?(?:正确|对)?(?:的|答案|选项)?)$",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"'([A-Za-z0-9]{1,4})'")
_FINAL = ".。!！,，;、: "
_LOOSE = (",", " -", " –", " —")
_HEDGE = re.compile(
    r"(?:or|and|but|maybe|perhaps|possibly|probably)\b|[或但]|还是|可能|也许", re.IGNORECASE
)
#: A capital A before a word that is no verb or conjunction is an article, and I a pronoun.
_ARTICLE = re.compile(
    r" (?!(?:is|are|or|and|if|too|as|could|can|may|might|seems|also|but|not)\b)[a-z]{2}",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Labelled:
    """One label and the text behind it; `loose` when only a comma or a dash is between them."""

    label: str
    text: str
    loose: bool


@dataclass(frozen=True)
class _Patterns:
    several: re.Pattern[str]
    one: re.Pattern[str]
    joined: re.Pattern[str]
    labelled: re.Pattern[str]
    alone: re.Pattern[str]
    option: re.Pattern[str]


def chosen(text: str, labels: tuple[str, ...]) -> frozenset[str] | None:
    """The labels of a text that holds nothing else, or None."""
    bare = _bare(text)
    if len(bare) > LONGEST:
        return None  # too long for labels alone
    patterns = _patterns(labels)
    if patterns.joined.fullmatch(bare):
        found = list(bare)
    elif patterns.several.fullmatch(bare):
        found = [match[0].upper() for match in patterns.one.finditer(bare)]
    else:
        return None
    return frozenset(found) if len(set(found)) == len(found) else None


def labelled(text: str, labels: tuple[str, ...]) -> Labelled | None:
    """A label with a text behind it, or None."""
    said = " ".join(plain(text).split())
    match = _patterns(labels).labelled.match(_without_lead(said))
    if not match:
        return None
    label, sign, rest = match["label"], match["sign"], match["text"]
    glued = not match["space"] and rest[0].isascii() and rest[0].isalpha()
    if (not label.isupper() and not label.isdigit() and sign in ".:") and not match["space"]:
        return None  # "e.g." and "i.e." are no labels
    if glued and sign == ".":
        return None
    return Labelled(label.upper(), rest, sign in _LOOSE)


def hedged(found: Labelled, labels: tuple[str, ...]) -> bool:
    """Whether the text behind a label hedges, or holds another label by itself."""
    return bool(_HEDGE.match(found.text)) or names_other(found.text, {found.label}, labels)


def names_other(text: str, known: Set[str], labels: tuple[str, ...]) -> bool:
    """Whether a label stands by itself in a text, as C or (c), beside those that are known."""
    for match in _patterns(labels).alone.finditer(text):
        word = match[0] in "AI" and _ARTICLE.match(text, match.end())
        if match[0].strip("()").upper() not in known and not word:
            return True
    return False


def leads(text: str) -> bool:
    """Whether a text says that what follows is chosen."""
    return len(_without_lead(text)) < len(text)


def split_options(options: Sequence[str], labels: tuple[str, ...]) -> dict[str, str]:
    """The options' texts by label: their own labels if every one has another, else in order."""
    found = [_patterns(labels).option.match(option) for option in options]
    own = [match["label"].upper() for match in found if match]
    if sorted(own) == sorted(labels):
        return {label: match["text"] for label, match in zip(own, found, strict=True) if match}
    return dict(zip(labels, options, strict=False))


def _bare(text: str) -> str:
    said = _QUOTED.sub(r"\1", " ".join(plain(text).split()))
    bare = _without_lead(said.strip(_FINAL))
    return _TAIL.sub("", bare).strip(_FINAL) if len(bare) <= LONGEST else bare


def _without_lead(text: str) -> str:
    text = without_lead(text)
    match = _LEAD.match(text)
    return text[match.end() :] if match else text


@lru_cache(maxsize=64)
def _patterns(labels: tuple[str, ...]) -> _Patterns:
    any_of = "|".join(sorted(labels, key=len, reverse=True))
    label = f"(?:{any_of}|{any_of.lower()})"
    item = rf"(?:(?:option )?\(? ?{label} ?\)?)"
    joint = r"and|und|et|y|и|na|as well as|和|及|与|と"
    between = rf"(?: ?[,、;&/+・] ?(?:(?:{joint}) ?)?| (?:{joint}) | ?[和及与と] ?| |(?<=\)))"
    capitals = "".join(label for label in labels if len(label) == 1 and label.isalpha())
    joined = rf"[{capitals}]{{2,26}}" if labels == LETTERS[: len(labels)] else r"(?!)"
    return _Patterns(
        several=re.compile(rf"\[? ?{item}(?:{between}{item})* ?\]?"),
        one=re.compile(rf"(?<![A-Za-z0-9]){label}(?![A-Za-z0-9])"),
        joined=re.compile(joined),
        labelled=re.compile(
            rf"[(\[]?(?P<label>{label})(?P<sign>[)\]][.:]?|[.:、。]|,| [-–—])"
            r"(?P<space> ?)(?P<text>\S.*)"
        ),
        alone=re.compile(
            rf"(?<![A-Za-z0-9'])(?:{any_of})(?![A-Za-z0-9'])|\((?:{any_of.lower()})\)"
        ),
        option=re.compile(
            rf"\s*[(（\[]?(?P<label>{label})[)）\].．:：、]+\s*(?P<text>\S.*)", re.DOTALL
        ),
    )
