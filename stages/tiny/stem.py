"""STEM: one-formula physics as multiple choice with four options."""

from __future__ import annotations

from random import Random

from stages.tiny.phrases import Sentence
from stages.tiny.task import Attempt, Task

# topic → question in each language; {a} and {b} are the two given quantities.
TOPICS = {
    "speed": ("A car goes {a} m in {b} s. Speed?", "车{b}秒走{a}米。速度？"),
    "distance": ("Speed {a} m/s for {b} s. Distance?", "以{a}米每秒走{b}秒。路程？"),
    "force": ("Mass {a} kg, acceleration {b}. Force?", "质量{a}千克，加速度{b}。力？"),
    "voltage": ("Current {a} A, resistance {b}. Voltage?", "电流{a}安，电阻{b}欧。电压？"),
    "current": ("Voltage {a} V, resistance {b}. Current?", "电压{a}伏，电阻{b}欧。电流？"),
    "density": ("Mass {a} g, volume {b}. Density?", "质量{a}克，体积{b}。密度？"),
}
QUOTIENTS = frozenset({"speed", "current", "density"})
LETTERS = "ABCD"
LARGEST = 9


def make(rng: Random) -> Task:
    """A random question with the right option at a random place."""
    topic = rng.choice(sorted(TOPICS))
    first, second = rng.randint(2, LARGEST), rng.randint(2, LARGEST)
    quotient = topic in QUOTIENTS
    a, b = (first * second, second) if quotient else (first, second)
    sign, right = ("/", first) if quotient else ("*", first * second)
    options = _options(rng, a, b, right)
    letter = LETTERS[options.index(right)]
    shown = " ".join(f"{value}({name})" for name, value in zip(LETTERS, options, strict=True))
    question = {
        language: TOPICS[topic][i].format(a=a, b=b) + " " + shown
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
        question=question,
        reference={"en": letter, "zh": letter},
        verifier="choice",
        attempt=attempt,
        guess=lambda rng, language: rng.choice(LETTERS),
        metadata={language: {"options": len(LETTERS)} for language in ("en", "zh")},
    )


def _options(rng: Random, a: int, b: int, right: int) -> list[int]:
    wrong = {a + b, a * b, abs(a - b), a // b, right + 1, right + 2, right + 10} - {right}
    options = [right, *rng.sample(sorted(wrong), len(LETTERS) - 1)]
    rng.shuffle(options)
    return options
