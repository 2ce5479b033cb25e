"""Conversations with worked answers, as a careful human would write them (paper, B.3.2, B.3.3).

Each thought is right and in the question's language. `checked` ones go over their steps a second
time; trivial tasks, such as a greeting, get no thought at all: "for simpler queries, such as
'hello', we do not provide a CoT".
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from stages.chat.template import compose
from stages.rows.schemas import Row
from stages.tiny.corpus import clean_reply
from stages.tiny.problems import tasks
from stages.tiny.task import Task

TRIVIAL = ("greeting",)


def worked(domain: str, language: str, count: int, seed: int, split: str) -> list[Row]:
    """`count` conversations that think and check, or all there are if the domain is smaller."""
    chosen = _distinct(domain, language, count, seed, split, lambda task: True)
    replies = [clean_reply(task, language, checked=True) for task in chosen]
    return [
        _conversation(task, f"worked-{number:06d}", language, reply)
        for number, (task, reply) in enumerate(zip(chosen, replies, strict=True))
    ]


def thoughtful(language: str, count: int, seed: int) -> list[Row]:
    """General conversations that think before they answer."""
    chosen = _distinct("general", language, count, seed, "train", lambda t: not _trivial(t))
    return [
        _conversation(
            task, f"thoughtful-{number:06d}", language, clean_reply(task, language, checked=False)
        )
        for number, task in enumerate(chosen)
    ]


def direct(language: str, count: int, seed: int) -> list[Row]:
    """General conversations that need no thinking."""
    chosen = _distinct("general", language, count, seed, "train", _trivial)
    return [
        _conversation(task, f"direct-{number:06d}", language, compose("", task.reference[language]))
        for number, task in enumerate(chosen)
    ]


def _trivial(task: Task) -> bool:
    return task.topic in TRIVIAL


def _distinct(
    domain: str, language: str, count: int, seed: int, split: str, wanted: Callable[[Task], bool]
) -> list[Task]:
    """Tasks whose questions differ; the stream is endless, so a bound ends the search."""
    found: dict[str, Task] = {}
    for task in islice(tasks(domain, seed, split), 100 * count):
        if len(found) == count:
            break
        if wanted(task):
            found.setdefault(task.question[language], task)
    return list(found.values())


def _conversation(task: Task, name: str, language: str, completion: str) -> Row:
    return {
        "id": f"{task.domain}-{language}-{name}",
        "domain": task.domain,
        "language": language,
        "prompt": [{"role": "user", "content": task.question[language]}],
        "completion": completion,
        "source": "tiny",
    }
