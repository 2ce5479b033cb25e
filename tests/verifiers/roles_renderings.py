"""One assignment of roles, written in the many ways that people and models write it."""

from __future__ import annotations

import json
from collections.abc import Callable

Roles = list[tuple[str, bool]]

ROLE = {True: "knight", False: "knave"}
ZH = {True: "骑士", False: "无赖"}


def _split(roles: Roles) -> tuple[list[str], list[str]]:
    return [n for n, knight in roles if knight], [n for n, knight in roles if not knight]


def _joined(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _are(names: list[str], role: bool) -> str:
    noun = f"is a {ROLE[role]}" if len(names) == 1 else f"are {ROLE[role]}s"
    return f"{_joined(names)} {noun}"


def _grouped_sentence(roles: Roles) -> str:
    groups = [
        _are(names, role) for names, role in zip(_split(roles), (True, False), strict=True) if names
    ]
    return ", while ".join(groups) + "."


def _rest(roles: Roles) -> str:
    knights, knaves = _split(roles)
    if not knights or not knaves:
        return f"Everyone is a {ROLE[bool(knights)]}."
    return f"{_are(knights, True)}; the rest are knaves."


def _headings(roles: Roles) -> str:
    lines = []
    for title, names in zip(("Knights", "Knaves"), _split(roles), strict=True):
        lines += [f"**{title}:**", *([f"- {name}" for name in names] or ["- none"])]
    return "\n".join(lines)


def _quantified(roles: Roles) -> str:
    """The smaller group alone, and that it is all of its kind."""
    role, names = min(zip((True, False), _split(roles), strict=True), key=lambda one: len(one[1]))
    if not names:
        return f"Nobody is a {ROLE[role]}."
    if len(names) == 1:
        return f"{names[0]} is the only {ROLE[role]}."
    return f"Only {_are(names, role)}."


def _except(roles: Roles) -> str:
    role, names = min(zip((True, False), _split(roles), strict=True), key=lambda one: len(one[1]))
    return f"All but {_joined(names)} are {ROLE[not role]}s." if names else _quantified(roles)


def _chinese_except(roles: Roles) -> str:
    role, names = min(zip((True, False), _split(roles), strict=True), key=lambda one: len(one[1]))
    return f"除了{'、'.join(names)}，其他人都是{ZH[not role]}。" if names else f"没有人是{ZH[role]}"


RENDERINGS: dict[str, Callable[[Roles], str]] = {
    "the only ones": _quantified,
    "all but": _except,
    "chinese except": _chinese_except,
    "letters of truth": lambda roles: ", ".join(f"{n}={'T' if r else 'F'}" for n, r in roles),
    "json truths": lambda roles: json.dumps(dict(roles)),
    "colons": lambda roles: ", ".join(f"{n}: {ROLE[r]}" for n, r in roles),
    "bold": lambda roles: "\n".join(f"**{n}**: **{ROLE[r].title()}**" for n, r in roles),
    "bold sentence": lambda roles: " ".join(f"**{n}** is a **{ROLE[r]}**." for n, r in roles),
    "groups": lambda roles: "; ".join(
        f"{title}: {', '.join(names) or 'none'}"
        for title, names in zip(("Knights", "Knaves"), _split(roles), strict=True)
    ),
    "grouped sentence": _grouped_sentence,
    "the rest": _rest,
    "headings": _headings,
    "numbered": lambda roles: "\n".join(
        f"({i}) {n} is a {ROLE[r]}" for i, (n, r) in enumerate(roles, 1)
    ),
    "dashes": lambda roles: "\n".join(f"- {n} - {ROLE[r].upper()}" for n, r in roles),
    "reversed": lambda roles: ", ".join(f"{n} is a {ROLE[r]}" for n, r in roles[::-1]),
    "json": lambda roles: json.dumps({n: ROLE[r] for n, r in roles}, indent=1),
    "json groups": lambda roles: json.dumps(
        dict(zip(("knights", "knaves"), _split(roles), strict=True))
    ),
    "json records": lambda roles: json.dumps([{"name": n, "role": ROLE[r]} for n, r in roles]),
    "table": lambda roles: (
        "| Name | Role |\n|---|---|\n" + "\n".join(f"| {n} | {ROLE[r].title()} |" for n, r in roles)
    ),
    "truth": lambda roles: "; ".join(
        f"{n} is {'telling the truth' if r else 'lying'}" for n, r in roles
    ),
    "negations": lambda roles: ", ".join(f"{n} is not a {ROLE[not r]}" for n, r in roles),
    "latex": lambda roles: ", ".join(rf"\text{{{n}}} = \text{{{ROLE[r]}}}" for n, r in roles),
    "sentence": lambda roles: (
        "So the answer is that " + " and ".join(f"{n} is a {ROLE[r]}" for n, r in roles)
    ),
    "chinese": lambda roles: "，".join(f"{n}是{ZH[r]}" for n, r in roles) + "。",
    "chinese groups": lambda roles: "；".join(
        f"{title}：{'、'.join(names) or '无'}"
        for title, names in zip(("骑士", "无赖"), _split(roles), strict=True)
    ),
}

#: They say it of everyone by a few names: what a left-out name changes is another assignment.
OF_EVERYONE = ("the rest", "the only ones", "all but", "chinese except")

#: A text that leaves a name out, doubles it or hedges, from a right assignment.
SPOILED: dict[str, Callable[[Roles], str]] = {
    "hedged": lambda roles: RENDERINGS["colons"](roles) + f", or {roles[0][0]}: knave",
    "contradicted": lambda roles: (
        RENDERINGS["colons"](roles) + f", {roles[0][0]}: {ROLE[not roles[0][1]]}"
    ),
    "questioned": lambda roles: RENDERINGS["colons"](roles) + "?",
    "conditional": lambda roles: "If " + RENDERINGS["sentence"](roles),
    "reported": lambda roles: "".join(f"{n} says {n} is a {ROLE[r]}. " for n, r in roles),
    "both roles": lambda roles: ", ".join(f"{n}: knight/knave" for n, _ in roles),
    "only names": lambda roles: ", ".join(n for n, _ in roles),
    "only roles": lambda roles: ", ".join(ROLE[r] for _, r in roles),
}
