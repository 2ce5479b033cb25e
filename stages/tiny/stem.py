"""STEM: one-formula physics as multiple choice with four options."""

from __future__ import annotations

from random import Random

from stages.tiny.phrases import Sentence
from stages.tiny.task import Attempt, Task

# topic → question in each language; {a} and {b} are the two given quantities. They stand last and
# close together, so that ten units before the end of a question tell it from all others
# (docs/data_hygiene.md).
TOPICS = {
    "speed": ("Speed for distance {a}, time {b}?", "速度？路程{a}，时间{b}。"),
    "distance": ("Distance for speed {a}, time {b}?", "路程？速度{a}，时间{b}。"),
    "force": ("Force for mass {a}, acceleration {b}?", "力？加速度{b}，质量{a}。"),
    "voltage": ("Voltage for current {a}, resistance {b}?", "电压？电流{a}，电阻{b}。"),
    "current": ("Current for voltage {a}, resistance {b}?", "电流？电压{a}，电阻{b}。"),
    "density": ("Density for mass {a}, volume {b}?", "密度？质量{a}，体积{b}。"),
    "momentum": ("Momentum for mass {a}, speed {b}?", "动量？质量{a}，速度{b}。"),
    "work": ("Work for force {a}, distance {b}?", "功？力{a}，路程{b}。"),
    "pressure": ("Pressure for force {a}, area {b}?", "压强？力{a}，面积{b}。"),
    "power": ("Power for work {a}, time {b}?", "功率？功{a}，时间{b}。"),
}
QUOTIENTS = frozenset({"speed", "current", "density", "pressure", "power"})
LETTERS = "ABCD"
LARGEST = 9


def make(rng: Random) -> Task:
    """A random question with the right option at a random place."""
    topic = rng.choice(sorted(TOPICS))
    first, second = rng.randint(3, LARGEST), rng.randint(2, LARGEST)
    quotient = topic in QUOTIENTS
    a, b = (first * second, second) if quotient else (first, second)
    sign, right = ("/", first) if quotient else ("*", first * second)
    options = _options(rng, right)
    letter = LETTERS[options.index(right)]
    shown = "{}(A) {} {} {}(D)".format(*options)
    question = {
        language: f"{TOPICS[topic][i].format(a=a, b=b)} {shown}"
        for i, language in enumerate(("en", "zh"))
    }

    def attempt(rng: Random, error: float, language: str, brief: bool) -> Attempt:
        result = rng.choice(options) if rng.random() < error else right
        chosen = LETTERS[options.index(result)]
        pick = Sentence("pick", {"v": str(result), "a": chosen})
        if brief:
            return [pick], chosen
        sentences = [
            Sentence("formula", {"f": topic}),
            Sentence("first", {"e": f"{a}{sign}{b}", "c": str(result)}),
            pick,
        ]
        return sentences, chosen

    return Task(
        domain="stem",
        topic=topic,
        key=f"{topic}:{a}:{b}:{shown}",
        form=f"{topic}:{a}:{b}",
        question=question,
        reference={"en": letter, "zh": letter},
        verifier="choice",
        attempt=attempt,
        guess=lambda rng, language: rng.choice(LETTERS),
        metadata={language: {"options": len(LETTERS)} for language in ("en", "zh")},
    )


def _options(rng: Random, right: int) -> list[int]:
    """Four numbers in a row, the right one at a random place.

    A model of this size learns which letter a number of a row has, from its last digit and that of
    the first. Of four numbers in any order it does not, as then the letter must be copied from
    where the number stands: 30 % right after 500 steps of such questions alone.
    """
    start = right - rng.randrange(len(LETTERS))
    return list(range(start, start + len(LETTERS)))
