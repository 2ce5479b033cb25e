"""STEM: one-formula physics as multiple choice with four options."""

from __future__ import annotations

from random import Random

from stages.tiny.phrases import Sentence
from stages.tiny.task import Attempt, Task

# topic → question in each language; {a} and {b} are the two given quantities. They stand last, so
# that ten units before the end of a question tell it from all others (docs/data_hygiene.md).
TOPICS = {
    "speed": ("Speed for {a} m in {b} s?", "速度？{a}米，{b}秒。"),
    "distance": ("Distance for {a} m/s, {b} s?", "路程？速度{a}，{b}秒。"),
    "force": ("Force for {a} kg, acceleration {b}?", "力？质量{a}，加速度{b}。"),
    "voltage": ("Voltage for {a} A, resistance {b}?", "电压？电流{a}，电阻{b}。"),
    "current": ("Current for {a} V, resistance {b}?", "电流？电压{a}，电阻{b}。"),
    "density": ("Density for {a} g, volume {b}?", "密度？{a}克，体积{b}。"),
    "momentum": ("Momentum for {a} kg, speed {b}?", "动量？质量{a}，速度{b}。"),
    "work": ("Work for {a} N, distance {b}?", "功？力{a}，路程{b}。"),
    "pressure": ("Pressure for {a} N, area {b}?", "压强？力{a}，面积{b}。"),
    "power": ("Power for {a} J in {b} s?", "功率？功{a}，{b}秒。"),
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
    shown = " ".join(map(str, options))
    question = {
        language: TOPICS[topic][i].format(a=a, b=b) + f" {LETTERS}: {shown}"
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

    A model of this size learns which letter a number has (from the last digits of it and of the
    first option: 0.88 right after 200 steps of these questions alone). Of four numbers in any order
    it does not, as then the letter must be copied from where the number stands: 0.3 after 500.
    """
    start = right - rng.randrange(len(LETTERS))
    return list(range(start, start + len(LETTERS)))
