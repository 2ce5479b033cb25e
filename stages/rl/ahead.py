"""A rollout that is drawn while the one before it is trained on (`rollout_ahead: 1`).

Engines draw the next rollout with the weights that this one begins with, so it is one rollout old
when it is trained on. The importance weights of the loss (`importance`) put that right: TRL
computes each token's probability under the policy anew and weighs it against the one that the token
was sampled with.

A checkpoint waits for the rollout that is being drawn and holds it, so a resumed run trains on the
very same rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline import meter, threads
from stages.rl.groups import Group, Sample
from stages.rollout.engine import Completion
from stages.verifiers.answer import Policy, parse

FILE = "ahead.json"


@dataclass(frozen=True)
class Drawn:
    """A rollout of this process. step: the first that trains on it. curves: of the drawing."""

    step: int
    groups: list[Group]
    curves: Mapping[str, float]


class Ahead:
    """The next rollout, in a thread; nothing where there is none."""

    def __init__(self) -> None:
        self._thread = threads.Executor(1)
        self._next: Future[Drawn] | None = None
        self._kept: Drawn | None = None  # of a checkpoint

    def begin(self, draw: Callable[[], Drawn]) -> None:
        """Draw the next rollout beside what follows."""
        self._next = self._thread.submit(draw)

    def take(self) -> Drawn | None:
        """The rollout that was drawn ahead, when it is whole; None where none was."""
        drawn = self.waited()
        self._next = self._kept = None
        return drawn

    def waited(self) -> Drawn | None:
        """The same, and it stays: from here on the engines are free."""
        with meter.phase("rollout"):
            return self._next.result() if self._next else self._kept

    def end(self) -> None:
        """Let what is being drawn end, however it does: nobody asks for it any more."""
        wait([self._next] if self._next else [])

    def keep(self, drawn: Drawn | None) -> None:
        """Go on with the rollout of a checkpoint."""
        self._kept = drawn


def as_json(drawn: Drawn) -> dict[str, Any]:
    """A rollout as JSON keeps it: every number comes back as it was."""
    groups = [
        {
            "prompt": group.prompt,
            "samples": [
                {"completion": asdict(sample.completion), "scores": sample.scores}
                for sample in group.samples
            ],
        }
        for group in drawn.groups
    ]
    return {"step": drawn.step, "curves": dict(drawn.curves), "groups": groups}


def from_json(kept: Mapping[str, Any], policy: Policy) -> Drawn:
    """The rollout again; its texts are taken apart anew."""
    groups = [
        Group(group["prompt"], [_sample(each, policy) for each in group["samples"]])
        for group in kept["groups"]
    ]
    return Drawn(kept["step"], groups, kept["curves"])


def save(folder: Path, parts: Sequence[Mapping[str, Any]]) -> None:
    """Write what all processes have drawn ahead, in their order."""
    (folder / FILE).write_text(json.dumps(parts))


def load(folder: Path, rank: int, policy: Policy) -> Drawn | None:
    """What this process had drawn ahead at a checkpoint."""
    if not (folder / FILE).exists():
        return None
    return from_json(json.loads((folder / FILE).read_text())[rank], policy)


def _sample(kept: Mapping[str, Any], policy: Policy) -> Sample:
    completion = Completion(**kept["completion"])
    return Sample(completion, parse(completion.text, policy), kept["scores"])
