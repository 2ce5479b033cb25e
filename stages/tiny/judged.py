"""What the tiny world's judge says of its candidates: endless streams of pairs and of labels."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from random import Random
from typing import TYPE_CHECKING

from stages.judging.pairs import Candidate, Judged
from stages.tiny import judge
from stages.tiny.general import HARM
from stages.tiny.phrases import LANGUAGES
from stages.tiny.problems import tasks

if TYPE_CHECKING:
    from stages.kinds.judged.kind import PreferencesConfig


def pairs(config: PreferencesConfig, seed: int) -> Iterator[Judged]:
    """Requests for help, two candidate replies each, and the votes on them."""
    assert config.judge is not None
    rng = Random(f"{seed}:preferences")
    asked = (task for task in tasks("general", seed, "train") if task.topic != HARM)
    for number, (task, language) in enumerate(zip(asked, cycle(LANGUAGES))):
        problem = task.row(number, language)
        first, second = judge.candidates(problem, rng)
        scores = [judge.helpfulness(problem, reply, config.judge) for reply in (first, second)]
        difference = scores[0] - scores[1]
        votes = [_vote(difference, config.judge_noise, rng) for _ in range(config.votes)]
        yield Judged(Candidate(problem["prompt"], (first, second), judge.SOURCE), votes)


def _vote(difference: float, noise: float, rng: Random) -> float:
    """One vote: noisy, and leaning towards what it reads first, which random positions even out."""
    read_first = rng.choice((1, -1))
    return difference + noise * read_first + rng.gauss(0, noise)


def labels(seed: int) -> Iterator[Judged]:
    """Responses to requests for harm, and whether they are safe."""
    rng = Random(f"{seed}:labels")
    asked = (task for task in tasks("general", seed, "train") if task.topic == HARM)
    for number, (task, language) in enumerate(zip(asked, cycle(LANGUAGES))):
        problem = task.row(number, language)
        completion = judge.safety_candidates(problem, rng)
        safe = float(judge.is_safe(problem, completion))
        yield Judged(Candidate(problem["prompt"], (completion,), judge.SOURCE), [safe])
