"""What a stream of the pool asks its workers, and what it remembers of their answers."""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from dataclasses import dataclass

from stages.verifiers.jail_server import BROKEN, KILLED
from stages.verifiers.question import Question
from stages.verifiers.verdict import Verdict
from stages.verifiers.worker_process import CRASHED, STOOD_STILL, TIMED_OUT

REMEMBERED = 100_000
_DIGEST = 16  # bytes: a line holds an answer, and none of it is kept

#: How reasons end that another try may not find.
FLEETING = (TIMED_OUT.reason, CRASHED.reason, STOOD_STILL.reason, KILLED, BROKEN)


@dataclass(frozen=True)
class Judged:
    """A verdict, and the seconds that it took; a remembered one took none."""

    verdict: Verdict
    seconds: float


class Batch:
    """The cases of one stream that only workers can answer, each asked once.

    known: what the pool remembers, by the digest of a line.
    """

    def __init__(self, known: dict[bytes, Judged]) -> None:
        self.waiting: deque[Question] = deque()
        self.judged: dict[bytes, Judged] = {}
        self._askers: Counter[bytes] = Counter()
        self._known = known

    def ask(self, question: Question) -> None:
        """Ask, unless it is asked already or the answer is remembered."""
        line = question.line
        self._askers[line] += 1
        if self._askers[line] > 1:
            return
        if remembered := self._known.get(_key(line)):
            self.judged[line] = Judged(remembered.verdict, 0.0)
        else:
            self.waiting.append(question)

    def has(self, place: Judged | bytes) -> bool:
        return isinstance(place, Judged) or place in self.judged

    def take(self, place: Judged | bytes) -> Judged:
        """The verdict; once all who asked have it, it moves to what the pool remembers."""
        if isinstance(place, Judged):
            return place
        judged = self.judged[place]
        self._askers[place] -= 1
        if not self._askers[place]:
            del self._askers[place], self.judged[place]
            self._remember(place, judged)
        return judged

    def _remember(self, line: bytes, judged: Judged) -> None:
        if judged.verdict.reason.endswith(FLEETING):
            return
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[_key(line)] = judged


def _key(line: bytes) -> bytes:
    return hashlib.blake2b(line, digest_size=_DIGEST).digest()
