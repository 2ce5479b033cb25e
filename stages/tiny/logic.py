"""Logic: knights and knaves for two, and the truth of small formulas."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from random import Random

from stages.tiny.phrases import Sentence, word
from stages.tiny.task import Attempt, Task
from stages.tiny.vocabulary import NAMES

LETTERS = "abcdefghjkmn"
NEGATED = 0.4  # of the letters of a formula
KINDS = ("knave", "knight")
BOTH = (False, True)

# claim → what it says of (speaker is a knight, other is a knight), and how it is said.
CLAIMS: dict[str, tuple[Callable[[bool, bool], bool], str, str]] = {
    "knight": (lambda me, you: you, "{o} is a knight", "{o}是骑士"),
    "knave": (lambda me, you: not you, "{o} is a knave", "{o}是无赖"),
    "same": (lambda me, you: me == you, "we are the same", "我们一样"),
    "different": (lambda me, you: me != you, "we are different", "我们不同"),
}


def make(rng: Random) -> Task:
    """Knights and knaves or a formula, half each."""
    return _knights(rng) if rng.random() < 0.5 else _formula(rng)


def _solutions(first: str, second: str) -> list[tuple[bool, bool]]:
    return [
        (a, b)
        for a, b in product(BOTH, BOTH)
        if CLAIMS[first][0](a, b) == a and CLAIMS[second][0](b, a) == b
    ]


PUZZLES = [(f, s) for f, s in product(CLAIMS, CLAIMS) if len(_solutions(f, s)) == 1]


def _knights(rng: Random) -> Task:
    claims = rng.choice(PUZZLES)
    people = rng.sample(range(len(NAMES)), 2)
    solution = _solutions(*claims)[0]

    def named(language: str) -> tuple[str, str]:
        side = ("en", "zh").index(language)
        return NAMES[people[0]][side], NAMES[people[1]][side]

    def answer(language: str, kinds: tuple[bool, bool]) -> str:
        parts = [f"{n} {KINDS[k]}" for n, k in zip(named("en"), kinds, strict=True)]
        zh = [f"{n}{word(KINDS[k], 'zh')}" for n, k in zip(named("zh"), kinds, strict=True)]
        return ", ".join(parts) if language == "en" else "，".join(zh)

    def attempt(rng: Random, error: float, language: str, brief: bool) -> Attempt:
        one, other = named(language)
        sentences: list[Sentence] = []
        for me in (True, False):
            you = next(y for y in BOTH if CLAIMS[claims[0]][0](me, y) == me)
            you = not you if rng.random() < error else you
            fits = CLAIMS[claims[1]][0](you, me) == you
            fits = not fits if rng.random() < error else fits
            sentences += [
                Sentence("suppose", {"p": one, "k": KINDS[me]}),
                Sentence("derive", {"p": other, "k": KINDS[you]}),
                Sentence("fits" if fits else "fails"),
            ]
            if fits:
                break
        return sentences[-3:] if brief else sentences, answer(language, (me, you))

    def guess(rng: Random, language: str) -> str:
        return answer(language, (rng.random() < 0.5, rng.random() < 0.5))

    en, zh = named("en"), named("zh")
    said = [(CLAIMS[c][1], CLAIMS[c][2]) for c in claims]
    return Task(
        domain="logic",
        topic="knights",
        key=f"{claims}:{people}",
        form=str(min((claims, people), (claims[::-1], people[::-1]))),
        question={
            "en": f"{en[0]}: {said[0][0].format(o=en[1])}. {en[1]}: {said[1][0].format(o=en[0])}. "
            "Who is what?",
            "zh": f"{zh[0]}：{said[0][1].format(o=zh[1])}。{zh[1]}：{said[1][1].format(o=zh[0])}。"
            "身份？",
        },
        reference={language: answer(language, solution) for language in ("en", "zh")},
        verifier="logic",
        attempt=attempt,
        guess=guess,
        metadata={language: {"names": list(named(language))} for language in ("en", "zh")},
    )


def _formula(rng: Random) -> Task:
    names = rng.sample(LETTERS, 3)
    values = {name: rng.random() < 0.5 for name in names}
    literals = [_literal(name, value, rng.random() < NEGATED) for name, value in values.items()]
    inner, outer = rng.choice(("and", "or")), rng.choice(("and", "or"))
    bracket_first = rng.random() < 0.5
    pair, alone = (literals[:2], literals[2]) if bracket_first else (literals[1:], literals[0])
    said = (*pair[0][0], inner, *pair[1][0])
    middle = _join(inner, pair[0][1], pair[1][1])
    result = _join(outer, middle, alone[1])

    def around(middle: tuple[str, ...]) -> tuple[str, ...]:
        ends = (*middle, outer, *alone[0])
        return ends if bracket_first else (*alone[0], outer, *middle)

    formula = around(("(", *said, ")"))

    def attempt(rng: Random, error: float, language: str, brief: bool) -> Attempt:
        first = middle != (rng.random() < error)
        last = _join(outer, first, alone[1]) != (rng.random() < error)
        steps = [
            Sentence("holds", {"e": said, "t": _truth(first)}),
            Sentence("holds", {"e": around((_truth(first),)), "t": _truth(last)}),
        ]
        return steps[-1:] if brief else steps, word("yes" if last else "no", language)

    given = "".join(name + str(int(value)) for name, value in values.items())
    return Task(
        domain="logic",
        topic="formula",
        key=f"{given}:{''.join(formula)}",
        form=f"{sorted(values.items())}:{inner}{sorted(p[0] for p in pair)}{outer}{alone[0]}",
        question={
            "en": ", ".join(f"{n} is {word(_truth(v), 'en')}" for n, v in values.items())
            + f". Is {word(formula, 'en')} true?",
            "zh": "，".join(f"{n}为{word(_truth(v), 'zh')}" for n, v in values.items())
            + f"。{word(formula, 'zh')}为真吗？",
        },
        reference={lang: word("yes" if result else "no", lang) for lang in ("en", "zh")},
        verifier="logic",
        attempt=attempt,
        guess=lambda rng, language: word(rng.choice(("yes", "no")), language),
    )


def _literal(name: str, value: bool, negated: bool) -> tuple[tuple[str, ...], bool]:
    """A letter as it stands in a formula, and whether it holds there."""
    return (("not", name) if negated else (name,)), value != negated


def _join(operator: str, left: bool, right: bool) -> bool:
    return (left and right) if operator == "and" else (left or right)


def _truth(value: bool) -> str:
    return "true" if value else "false"
