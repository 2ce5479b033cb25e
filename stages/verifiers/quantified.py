"""Clauses that give a role to everyone: "A is the only knave", "all but A lie", "nobody lies".

A clause is written as a letter for each of its tokens, in which the known forms are looked for:

    n name   k role   r the rest, everyone   z nobody, none   y neither   N nor   b both
    o only   x except   X 除
"""

from __future__ import annotations

import re
from dataclasses import dataclass

REST = "\0rest"
Token = tuple[str, str]  # kind ("name", "role", "rest", "only", …, "break") and what it says


@dataclass(frozen=True)
class Group:
    """Names and their role (True: knight); `others` is that of all other names, where given."""

    names: list[str]
    role: bool
    others: bool | None = None


Groups = list[Group]

_LETTERS = {
    "name": "n", "role": "k", "rest": "r", "none": "z", "neither": "y", "nor": "N", "both": "b",
    "only": "o", "except": "x", "除": "X", "all": "a", "but": "B",
}  # fmt: skip
_SMALL = (
    (re.compile(r"a(?=[xB])|^a(?=k)"), "r"),  # all but A, all are knights
    (re.compile(r"(?<=[rz])B"), "x"),  # everyone but A; "A is a knight but B lies" is no exception
    (re.compile(r"X(?=n+krk)"), "-"),  # 除了A是无赖，其余都是骑士
    (re.compile(r"b(?=n)|(?<=n)b"), "-"),  # both A and B
    (re.compile(r"[aB]"), "-"),
)
_UNIT = re.compile(
    r"(?P<only>on+k|n+ok|okn+|z[xX]n+k|[xX]n+zk)|(?P<but>r[xX]n+k|[xX]n+rk|rk[xX]n+|Xn+k)"
    r"|(?P<none>zk)|(?P<neither>yk)|(?P<both>bk)|(?P<nor>y(?:nN)+nk)|(?P<plain>n+k|rk)"
)


def quantified(clause: list[Token], count: int) -> Groups:
    """The groups of a clause in which such a form stands, of `count` names; else nothing."""
    letters = "".join(_LETTERS[kind] for kind, _ in clause)
    if set(letters) <= set("nkr") or ("z" in letters and letters[0] == "k"):
        return []
    for pattern, letter in _SMALL:
        letters = pattern.sub(letter, letters)
    kept = [token for token, letter in zip(clause, letters, strict=True) if letter != "-"]
    letters = letters.replace("-", "")
    groups: Groups = []
    end = 0
    while unit := _UNIT.match(letters, end):
        form, part = str(unit.lastgroup), kept[end : unit.end()]
        end = unit.end()
        if form in ("neither", "both") and count != 2:
            return []
        groups.append(_group(form, part))
    return groups if end == len(letters) else []


def _group(form: str, part: list[Token]) -> Group:
    names = [value for kind, value in part if kind == "name"]
    role = next(value for kind, value in part if kind == "role") == "knight"
    if form == "plain":
        return Group(names or [REST], role)
    if form == "nor":
        return Group(names, not role)
    if form == "only":
        return Group(names, role, not role)
    return Group(names, not role, role if form in ("but", "both") else not role)
