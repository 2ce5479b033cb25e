r"""Mathematics without calculating: the question's own formulas, numbers and last steps, undone.

GSM8K's solutions mark every step, "half of 48 is <<48/2=24>>24": the last one is what a model
writes that has set a problem up and not worked it out, so it counts as undone here, alone and with
the steps before it put in. MATH says in words what is to be done with a formula ("Compute $2^3$").
The tiny world's stories are set up by rule. Numbers of the question and constants are mere guesses:
no rule can tell them from an answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

NUMBERS = 8  # of the question, from its start
CONSTANTS = ("0", "1", "2", "-1", "x", r"\frac{1}{2}")

_FORMULA = re.compile(r"\$\$?([^$]{1,2000})\$\$?|\\\[(.{1,2000}?)\\\]", re.DOTALL)
_PLAIN = re.compile(r"[\d(][\d\s.+\-*/×÷^()]*[\d)]")  # 3+4-2 in "Compute 3+4-2"
_ASKED = re.compile(
    r"\b(?:compute|evaluate|find|simplify|calculate|determine|expand|factor|express|what is|solve"
    r")\b|计算|求|化简",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_STEP = re.compile(r"<<([^<>=]+)=([^<>]+)>>")  # <<48/2=24>>
_STORY = re.compile(  # Tom has 5 apples, gets 3, loses 2
    r"(?:gets|得到?) ?(?P<more>\d+)|(?:loses|失去?) ?(?P<less>\d+)|(?:has|有) ?(?P<first>\d+)"
)


def formulas(question: str) -> list[str]:
    """What stands between dollars or, where nothing does, plain expressions; no bare number."""
    found = [(match[1] or match[2]).strip(" .,\n") for match in _FORMULA.finditer(question)]
    found = found or [match[0].strip() for match in _PLAIN.finditer(question)]
    return [formula for formula in found if not _NUMBER.fullmatch(formula)]


def asked(question: str) -> str:
    """The formula that a verb such as "Compute" points at."""
    verbs = list(_ASKED.finditer(question))
    return next(iter(formulas(question[verbs[-1].end() :])), "") if verbs else ""


def last_step(metadata: Mapping[str, Any]) -> str:
    """The last operation of a marked solution, not worked out: 48/2."""
    steps = _steps(metadata)
    return steps[-1][0] if steps else ""


def all_steps(metadata: Mapping[str, Any]) -> str:
    """The same with every earlier step in the place of its result: (16-3-4)*2."""
    known: dict[str, str] = {}
    whole = ""
    for operation, result in _steps(metadata):
        whole = _NUMBER.sub(lambda number: known.get(number[0], number[0]), operation)
        known[result] = f"({whole})"
    return whole if len(whole) < 1000 else ""


def _steps(metadata: Mapping[str, Any]) -> list[tuple[str, str]]:
    solution = metadata.get("solution")
    found = _STEP.findall(solution) if isinstance(solution, str) else []
    return [(todo, done) for todo, done in found if not _NUMBER.fullmatch(todo.strip())]  # <<5=5>>


def story(question: str) -> str:
    """A story of the tiny world as a sum, 5+3-2."""
    return "".join(
        found["first"] or (f"+{found['more']}" if found["more"] else f"-{found['less']}")
        for found in _STORY.finditer(question)
    )


#: What a policy does to what it copies, so that it is not letter for letter what it was.
DRESSES: dict[str, Callable[[str], str]] = {
    "": lambda text: text,
    " in brackets": lambda text: f"({text})",
    " + 0": lambda text: f"{text} + 0",
    " times 1": lambda text: rf"1 \cdot ({text})",
    " over 1": lambda text: rf"\frac{{{text}}}{{1}}",
    " = itself": lambda text: f"{text} = {text}",
    " as x": lambda text: f"x = {text}",
    " spaced": lambda text: re.sub(r"([-+*/=])", r" \1 ", text),
}
COPIED: dict[str, Callable[[str, Mapping[str, Any]], str]] = {
    "the first formula": lambda question, _: next(iter(formulas(question)), ""),
    "the last formula": lambda question, _: next(reversed(formulas(question)), ""),
    "the longest formula": lambda question, _: max(formulas(question), key=len, default=""),
    "the formula asked for": lambda question, _: asked(question),
    "the last formula's right side": lambda q, _: (formulas(q) or [""])[-1].rpartition("=")[2],
    "the first formula's left side": lambda q, _: (formulas(q) or [""])[0].partition("=")[0],
    "the last step, undone": lambda _, metadata: last_step(metadata),
    "all steps, undone": lambda _, metadata: all_steps(metadata),
    "the story as a sum": lambda question, _: story(question),
}
GUESSES = (
    *(f"always {constant}" for constant in CONSTANTS),
    *(f"number {place + 1} of the question" for place in range(NUMBERS)),
    "the last number of the question",
)
POLICIES = (
    *(f"{copied}{dress}" for copied in COPIED for dress in DRESSES),
    "the question",
    *GUESSES,
)


def answers(question: str, reference: str, metadata: Mapping[str, Any]) -> Iterator[str]:
    """An answer of each policy."""
    for copy in COPIED.values():
        text = copy(question, metadata).strip()
        yield from (dress(text) if text else "" for dress in DRESSES.values())
    yield question
    yield from CONSTANTS
    numbers = [match[0] for match in _NUMBER.finditer(question)]
    yield from islice([*numbers, *[""] * NUMBERS], NUMBERS)
    yield numbers[-1] if numbers else ""
