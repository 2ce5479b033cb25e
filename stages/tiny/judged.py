"""What the tiny world's judge says of its candidates: endless streams of pairs and of labels."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from itertools import cycle
from random import Random
from statistics import fmean
from typing import TYPE_CHECKING

from stages.chat.template import compose
from stages.judging.pairs import Candidate, Judged
from stages.tiny import judge
from stages.tiny.general import HARM
from stages.tiny.phrases import LANGUAGES
from stages.tiny.problems import tasks
from stages.tiny.task import Task

if TYPE_CHECKING:
    from stages.kinds.judged.kind import PreferencesConfig

PEERS = 200  # tasks of a topic that near misses are made of


def pairs(config: PreferencesConfig, seed: int) -> Iterator[Judged]:
    """Requests for help, two candidate replies each, and the votes on them.

    Length pays in no topic: pairs whose longer reply is preferred come with as many of the same
    topic whose shorter one is.
    """
    waiting: defaultdict[tuple[str, int], list[Judged]] = defaultdict(list)
    for topic, one in _voted(config, seed):
        side = _longer(one)
        if side == 0 or abs(fmean(one.votes)) <= config.margin:
            yield one
        elif opposite := waiting[topic, -side]:
            yield from (opposite.pop(), one)
        else:
            waiting[topic, side].append(one)


def _voted(config: PreferencesConfig, seed: int) -> Iterator[tuple[str, Judged]]:
    """The same as they come, each with its topic."""
    assert config.judge is not None
    rng = Random(f"{seed}:preferences")
    peers: defaultdict[str, deque[Task]] = defaultdict(lambda: deque(maxlen=PEERS))
    asked = (task for task in tasks("general", seed, "train") if task.topic != HARM)
    for number, (task, language) in enumerate(zip(asked, cycle(LANGUAGES))):
        peers[task.topic].append(task)
        problem = task.row(number, language)
        replies = judge.candidates(task, language, peers[task.topic], rng)
        scores = [judge.helpfulness(problem, reply, config.judge) for reply in replies]
        difference = scores[0] - scores[1]
        votes = [_vote(difference, config.judge_noise, rng) for _ in range(config.votes)]
        first, second = (compose("", reply) for reply in replies)
        yield task.topic, Judged(Candidate(problem["prompt"], (first, second), judge.SOURCE), votes)


def _longer(judged: Judged) -> int:
    """1: the longer reply is preferred; -1: the shorter one; 0: they are equally long."""
    first, second = map(len, judged.candidate.responses)
    preferred = 1 if fmean(judged.votes) > 0 else -1
    return preferred * ((first > second) - (first < second))


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
