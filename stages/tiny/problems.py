"""Problems of the tiny world: seeded, in five domains and two languages, cleanly split."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from random import Random

from pipeline.errors import UsageError
from stages.rows.schemas import Row
from stages.tiny import code, general, logic, maths, stem
from stages.tiny.phrases import LANGUAGES
from stages.tiny.splits import TRAIN
from stages.tiny.task import Task

DOMAINS = {
    "math": maths.make,
    "code": code.make,
    "stem": stem.make,
    "logic": logic.make,
    "general": general.make,
}
REASONING = ("math", "code", "stem", "logic")


def tasks(domain: str, seed: int, split: str) -> Iterator[Task]:
    """An endless seeded stream of tasks of one domain and split; a task may come again."""
    if domain not in DOMAINS:
        raise UsageError(f"domain {domain!r} is unknown; expected one of {sorted(DOMAINS)}")
    rng = Random(f"{seed}:{domain}:{split}")
    while True:
        task = DOMAINS[domain](rng)
        if task.split == split:
            yield task


def generate(
    domain: str,
    language: str,
    count: int,
    seed: int,
    split: str,
    but: Collection[str] = (),
) -> list[Row]:
    """`count` problems that differ from each other, or all there are if the domain is smaller.

    but: tasks that are not taken, by their canonical form (stages/tiny/task.py).
    """
    chosen = choose(domain, language, count, seed, split, but)
    return [task.row(number, language) for number, task in enumerate(chosen)]


def choose(
    domain: str,
    language: str,
    count: int,
    seed: int,
    split: str,
    but: Collection[str] = (),
) -> list[Task]:
    """The tasks of `generate`. Questions that are trained on may put one task in several ways;
    of held-out ones each is another task, so that they are as many as they look.
    """
    if language not in LANGUAGES:
        raise UsageError(f"language {language!r} is unknown; expected one of {LANGUAGES}")
    chosen: dict[str, Task] = {}
    for task in islice(tasks(domain, seed, split), 50 * count):
        if task.canonical not in but:
            name = task.question[language] if split == TRAIN else task.canonical
            chosen.setdefault(name, task)
        if len(chosen) == count:
            break
    return list(chosen.values())
