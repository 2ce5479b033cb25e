"""Maths: sums of two to five numbers up to 9, bare or as a story, worked step by step."""

from __future__ import annotations

from random import Random

from stages.tiny.phrases import Sentence
from stages.tiny.task import Attempt, Task
from stages.tiny.vocabulary import NAMES, THINGS

OPERANDS = (2, 3, 3, 4, 4, 5)
LARGEST = 9


def make(rng: Random) -> Task:
    """A random sum whose partial results stay at or above zero."""
    count = rng.choice(OPERANDS)
    numbers = [rng.randint(1, LARGEST)]
    signs: list[str] = []
    total = numbers[0]
    while len(numbers) < count:
        sign = rng.choice("+-")
        number = rng.randint(1, LARGEST)
        if sign == "-" and number > total:
            sign = "+"
        total += number if sign == "+" else -number
        numbers.append(number)
        signs.append(sign)
    story = rng.random() < 0.4
    expression = str(numbers[0]) + "".join(
        f"{s}{n}" for s, n in zip(signs, numbers[1:], strict=True)
    )
    question = _story(rng, numbers, signs) if story else _bare(expression)

    def attempt(rng: Random, error: float, language: str, brief: bool) -> Attempt:
        if brief:  # all in one go
            result = _slip(rng, total) if rng.random() < error else total
            return [Sentence("first", {"e": expression, "c": str(result)})], str(result)
        sentences, value = [], numbers[0]
        for step, (sign, number) in enumerate(zip(signs, numbers[1:], strict=True)):
            right = value + number if sign == "+" else value - number
            result = _slip(rng, right) if rng.random() < error else right
            phrase = "then" if step else "first"
            sentences.append(Sentence(phrase, {"e": f"{value}{sign}{number}", "c": str(result)}))
            value = max(result, 0)
        return sentences, str(value)

    def guess(rng: Random, language: str) -> str:
        return str(max(total + rng.choice((0, 1, -1, 2, -2, 3, -3, 5, 10, -10)), 0))

    return Task(
        domain="math",
        topic="story" if story else "sum",
        key=expression,
        form=_form(numbers, signs),
        question=question,
        reference={"en": str(total), "zh": str(total)},
        verifier="math",
        attempt=attempt,
        guess=guess,
    )


def _form(numbers: list[int], signs: list[str]) -> str:
    """The sum with its terms in order, as 3+4-2 and 4+3-2 are one."""
    terms = sorted(f"{sign}{number}" for sign, number in zip(["+", *signs], numbers, strict=True))
    return "".join(terms)


def _slip(rng: Random, right: int) -> int:
    return max(right + rng.choice((1, -1, 2, -2, 10)), 0)


def _bare(expression: str) -> dict[str, str]:
    return {"en": f"Compute {expression}", "zh": f"计算{expression}"}


def _story(rng: Random, numbers: list[int], signs: list[str]) -> dict[str, str]:
    name, thing = rng.choice(NAMES), rng.choice(THINGS)
    en = f"{name[0]} has {numbers[0]} {thing[0]}"
    zh = f"{name[1]}有{numbers[0]}个{thing[1]}"
    for sign, number in zip(signs, numbers[1:], strict=True):
        en += f", gets {number}" if sign == "+" else f", loses {number}"
        zh += f"，得{number}" if sign == "+" else f"，失{number}"
    return {"en": en + ". How many now?", "zh": zh + "。几个？"}
