"""Who is a knight and who is a knave: the roles that a text gives to known names.

Only names, roles and a few small words count; all else is passed over. What is left must be
either groups of names, each followed by its role ("A and B are knights, C is a knave",
"A: knight", "| A | knight |", "A=T", A是骑士), or roles, each followed by its group ("Knights: A,
B. Knaves: none", {"knights": ["A"], …}). "The rest", 其余 and "everyone" stand for the names that
the text does not mention. A negation before a role gives the other role.

"A is the only knave", "all but A are knights", 除了A都是骑士, "nobody lies" and "both are knights"
(of two) give everyone a role (stages/verifiers/quantified.py); what else is said must agree.

It is no assignment when a name has no role or is given one twice, when a word hedges, conditions or
reports ("or", "if", "maybe", "says", "?"), or when the text mixes the two orders within a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from stages.verifiers.bare_text import plain
from stages.verifiers.quantified import REST as _REST
from stages.verifiers.quantified import Group, Groups, Token, quantified

KNIGHT_WORDS = (
    "knights", "knight", "truth-tellers", "truth-teller", "truth tellers", "truth teller",
    "tells the truth", "tell the truth", "telling the truth", "truthful", "honest",
    "骑士", "诚实者", "老实人", "说真话", "讲真话", "说实话",
)  # fmt: skip
KNAVE_WORDS = (
    "knaves", "knave", "liars", "liar", "lies", "lying", "lie", "untruthful", "dishonest",
    "无赖", "恶棍", "说谎者", "骗子", "说谎", "撒谎", "说假话", "讲假话",
)  # fmt: skip
NEGATIONS = ("not", "isn't", "aren't", "doesn't", "don't", "non", "no", "不是", "并非", "非", "不")
REST = (
    "the rest", "rest", "the others", "others", "the other", "the remaining", "remaining",
    "everyone else", "everybody else", "everyone", "everybody", "all of them", "all three",
    "all four", "all five", "they are all", "they all", "他们都",
    "其余", "其他", "其它", "剩下", "所有人", "大家", "全部",
)  # fmt: skip
NONE = (
    "none", "no one", "no-one", "nobody", "n/a", "nil", "empty", "[]", "∅", "\\emptyset",
    "\\varnothing", "没有人", "没有", "无人", "无",
)  # fmt: skip
HEDGES = (
    "or", "if", "either", "unless", "maybe", "perhaps", "might", "may", "could",
    "possibly", "probably", "likely", "unknown", "unsure", "undetermined", "whether", "never",
    "false", "true", "assume", "assuming", "suppose", "supposing", "cannot", "can't",
    "can", "would", "should", "n't", "says", "say", "said", "claims", "claim", "claimed", "states",
    "stated", "according", "wrong", "incorrect", "alternatively", "opposite", "?",
    "或", "如果", "假如", "假设", "若", "可能", "也许", "要么", "说", "声称", "不一定",
    "不能", "不可能", "是否",
)  # fmt: skip

ONLY = ("only", "sole", "alone", "只有", "唯一", "仅有", "仅")
EXCEPT = (
    "except", "except for", "apart from", "other than", "aside from", "besides", "excluding",
    "with the exception of",
)  # fmt: skip
BOTH = ("both", "两人", "两个人", "两个", "两者", "二人")

#: A=T and "A": true give a role as "A: knight" does.
_TRUTH = r"(?P<name>{})\s*[=:|]+\s*(?:(?P<true>true|(?-i:T))|false|(?-i:F))(?![A-Za-z/])"
_ONLY_LIES = re.compile(r"\bonly (?=lie|lying|tell)", re.IGNORECASE)  # says nothing of others

Roles = dict[str, bool]


def read_roles(text: str, names: Sequence[str]) -> Roles | None:
    """The role of each name (True: knight), or None unless each has exactly one."""
    said = _ONLY_LIES.sub("", plain(text))
    said = _truths(tuple(names)).sub(_as_role, said)
    tokens = _tokens(said, tuple(names))
    if tokens is None:
        return None
    groups = _by_clause(tokens, len(names)) or _as_one(tokens)
    stated = [name for group in groups if group.others is None for name in group.names]
    if len(set(stated)) != len(stated):
        return None
    wholes = [
        {name: group.role if name in group.names else group.others for name in names}
        for group in groups
        if group.others is not None
    ]
    mentioned = {name for group in groups for name in group.names}
    unnamed = [name for name in names if name not in mentioned]
    if not wholes and bool(unnamed) != (_REST in stated):
        return None
    roles = {name: g.role for g in groups if _REST in g.names for name in unnamed}
    roles |= {name: g.role for g in groups if g.others is None for name in g.names if name != _REST}
    whole = wholes[0] if wholes else roles
    agree = all(other == whole for other in wholes) and roles.items() <= whole.items()
    return whole if agree else None


def _as_role(found: re.Match[str]) -> str:
    return f"{found['name']}: {'knight' if found['true'] else 'knave'}"


@lru_cache(maxsize=4096)
def _truths(names: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(_TRUTH.format(_names(names).pattern), re.IGNORECASE)


def _by_clause(tokens: list[Token], count: int) -> Groups:
    """The groups where every clause is complete by itself; else nothing."""
    found: Groups = []
    for clause in _clauses(tokens):
        groups = quantified(clause, count) or _groups(clause)
        if not groups:
            return []
        found += groups
    return found


def _as_one(tokens: list[Token]) -> Groups:
    """The groups across lines, as in a role above its list, if no clause runs the other way."""
    clauses = _clauses(tokens)
    whole = [token for clause in clauses for token in clause]
    mixed = [clause for clause in clauses if len({kind == "role" for kind, _ in clause}) > 1]
    if any((clause[0][0] == "role") != (whole[0][0] == "role") for clause in mixed):
        return []
    return _groups(whole)


def _clauses(tokens: list[Token]) -> list[list[Token]]:
    clauses: list[list[Token]] = [[]]
    for token in tokens:
        if token[0] == "break":
            clauses.append([])
        else:
            clauses[-1].append(token)
    return [clause for clause in clauses if clause]


def _groups(tokens: list[Token]) -> Groups:
    """Runs of names, each with the role before or after it; nothing if one lacks the other."""
    if not tokens or any(kind not in _PLAIN for kind, _ in tokens):
        return []
    names_first = tokens[0][0] != "role"
    groups: Groups = []
    run: list[str] = []
    for kind, value in tokens if names_first else reversed(tokens):
        if kind != "role":
            run.append(value)
            continue
        empty = "" in run
        if not run or (empty and (names_first or len(run) > 1)):
            return []
        groups.append(Group([] if empty else run, value == "knight"))
        run = []
    return [] if run else groups


def _tokens(text: str, names: tuple[str, ...]) -> list[Token] | None:
    """Names and roles in order; None when the text hedges or its negation has no role."""
    tokens: list[Token] = []
    negated = False
    for kind, value in _found(text, names):
        if kind == "hedge" or (negated and kind not in ("knight", "knave")):
            return None
        if kind == "negation":
            if value == "no" and (not tokens or tokens[-1][0] == "break"):
                tokens.append(("none", ""))  # "There are no knaves" is "none is a knave"
            else:
                negated = True
        elif kind in ("knight", "knave"):
            role = "knight" if (kind == "knight") != negated else "knave"
            negated = False
            if tokens[-1:] != [("role", role)]:  # "a knight (truth-teller)" says it once
                tokens.append(("role", role))
        else:
            tokens.append((kind, value))
    return None if negated else tokens


def _found(text: str, names: tuple[str, ...]) -> Iterator[Token]:
    """Names and known words in order; a word inside a name is part of the name."""
    spelled = {plain(name).casefold(): name for name in names}
    words = _WORDS.finditer(text)
    word = next(words, None)
    end = 0
    for name in _names(names).finditer(text):
        while word and word.start() < name.start():
            if word.start() >= end:
                yield _known(word[0])
            word = next(words, None)
        yield "name", spelled[name[0].casefold()]
        end = name.end()
    while word:
        if word.start() >= end:
            yield _known(word[0])
        word = next(words, None)


def _known(word: str) -> Token:
    kind = _KINDS.get(word.casefold(), "break")
    return kind, {"rest": _REST, "negation": word.casefold()}.get(kind, "")


_PLAIN = ("name", "role", "rest", "none")
_KINDS = {
    word: kind
    for kind, words in (
        ("knight", KNIGHT_WORDS),
        ("knave", KNAVE_WORDS),
        ("none", NONE),
        ("rest", REST),
        ("negation", NEGATIONS),
        ("hedge", HEDGES),
        ("only", ONLY),
        ("except", EXCEPT),
        ("除", ("除", "除了")),
        ("but", ("but",)),
        ("both", BOTH),
        ("all", ("all",)),
        ("neither", ("neither",)),
        ("nor", ("nor",)),
    )
    for word in words
}


def _alternatives(words: Iterable[str]) -> str:
    """Any of the words, the longest first; a Latin word must stand by itself."""
    parts = []
    for word in sorted(words, key=len, reverse=True):
        before = "(?<![A-Za-z])" if word[0].isascii() and word[0].isalpha() else ""
        after = "(?![A-Za-z])" if word[-1].isascii() and word[-1].isalpha() else ""
        parts.append(("" if word == "n't" else before) + re.escape(word) + after)
    return "|".join(parts)


_WORDS = re.compile(f"{_alternatives(_KINDS)}|[.。;\\n]", re.IGNORECASE)


@lru_cache(maxsize=4096)
def _names(names: tuple[str, ...]) -> re.Pattern[str]:
    """Any of the names; one that is a letter or a known word ("May") only in its own case."""
    spelled = [plain(name) for name in names]
    exact = [name for name in spelled if len(name) == 1 or name.casefold() in _KINDS]
    free = [name for name in spelled if name not in exact]
    parts = [_alternatives(exact)] if exact else []
    parts += [f"(?i:{_alternatives(free)})"] if free else []
    return re.compile("|".join(parts))
