"""What is asked of a row, and what follows from the verdicts.

A row's own reference must score 1 through its verifier, given as a completion in the recipe's form.
That alone proves little: a name, or the index of an option, scores 1 against itself as well. So two
things are asked that a wrong reading would pass:

- a reference of mathematics must be mathematics: words alone (darwin, proof, Yes) are none, but for
  phrases such as "no solution" and words that \\text{…} sets apart;
- an answer that knows nothing must not score 1: "I have no idea", a program that does nothing; nor
  the program that is to be mended.

There is nothing to prove of a program's tests without a program, of constraints that nobody has
met, of queries that reward models alone judge, and of open answers (verifier generative). Their
tests and constraints must be readable, and the idle program must fail; constraints may be met by
an answer that knows nothing.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from stages import verifiers
from stages.proving.outcome import (
    ACCEPTS_ANYTHING,
    CANNOT_JUDGE,
    MATHS,
    NO_REFERENCE,
    NOT_MATHEMATICS,
    NOT_RIGHT,
    NOTHING,
    PROVED,
    Outcome,
)
from stages.rows.formats.fit import is_mathematics
from stages.rows.schemas import Row
from stages.verifiers.answer import Policy
from stages.verifiers.batch import FLEETING
from stages.verifiers.pool import VerifierPool
from stages.verifiers.selfcheck import proof, right_answer, wrong_answer
from stages.verifiers.verdict import UNEARNED, Request, Verdict, request_of

GENERAL = "general"
CODE, INSTRUCTION, GENERATIVE = "code", "instruction", "generative"
BY_METADATA = (CODE, INSTRUCTION)  # judged without a reference
KNOWS_NOTHING = "I have no idea"


@dataclass(frozen=True)
class Asked:
    """The reference and the answer that knows nothing, as requests. proves: there is a reference.

    constructed: the verifier made it, so nobody worked for it.
    """

    requests: tuple[Request, ...]
    proves: bool
    constructed: bool = False

    def outcome(self, verdicts: Sequence[Verdict]) -> Outcome:
        """What follows from a verdict for each request."""
        own = verdicts[0]
        if own.score is None:
            return Outcome(CANNOT_JUDGE, own.reason, not own.reason.endswith(FLEETING))
        right = own.score == 1.0 or (self.constructed and own in UNEARNED)
        if self.proves and not right:
            return Outcome(NOT_RIGHT, f"scores {own.score:g}: {own.reason}")
        for request, verdict in zip(self.requests[1:], verdicts[1:], strict=True):
            if verdict.score == 1.0 or verdict in UNEARNED:
                return Outcome(ACCEPTS_ANYTHING, f"{_last_line(request)!r} scores 1")
        return Outcome(PROVED if self.proves else NOTHING)


def proved(rows: Iterable[tuple[int, Row]], pool: VerifierPool) -> Iterator[tuple[int, Outcome]]:
    """The outcome of each numbered row, as it comes."""
    waiting: deque[tuple[int, Asked]] = deque()
    ready: deque[tuple[int, Outcome]] = deque()

    def requests() -> Iterator[Request]:
        for number, row in rows:
            found = asked(row, pool.policy)
            if isinstance(found, Outcome):
                ready.append((number, found))
            else:
                waiting.append((number, found))
                yield from found.requests

    judged = pool.stream(requests())
    for first in judged:
        number, found = waiting.popleft()
        more = [next(judged) for _ in found.requests[1:]]
        yield number, found.outcome([one.verdict for one in (first, *more)])
        while ready:
            yield ready.popleft()
    yield from ready


def asked(row: Row, policy: Policy) -> Asked | Outcome:
    """What must be judged of a row, or its outcome where nothing needs to be."""
    verifier = row["verifier"]
    if not verifier and row["domain"] == GENERAL:
        return Outcome(NOTHING)
    request = request_of(row, "")
    if verifier == GENERATIVE:
        return Outcome(NOTHING) if request.reference.strip() else Outcome(NO_REFERENCE)
    answer = right_answer(request)
    if not answer.strip() and verifier in verifiers.VERIFIERS and verifier not in BY_METADATA:
        return Outcome(NO_REFERENCE)
    if verifier == MATHS and not is_mathematics(answer.strip("$ ")):
        return Outcome(NOT_MATHEMATICS, f"{answer!r:.80} is words")
    decoys = [proof(request, text, policy) for text in _knowing_nothing(request)]
    return Asked(
        (proof(request, answer, policy), *decoys),
        proves=bool(answer.strip()),
        constructed=answer != row["reference"],
    )


def _knowing_nothing(request: Request) -> list[str]:
    """Answers that must not be right, in the form that the verifier reads."""
    if request.verifier == INSTRUCTION:
        return []
    if request.verifier == CODE:
        return [_idle_program(request.metadata), *filter(None, [wrong_answer(request)])]
    return [KNOWS_NOTHING]


def _idle_program(metadata: Any) -> str:
    """A program that does nothing, with functions of the names that the tests call."""
    from stages.verifiers import code

    names: set[str] = set()
    with contextlib.suppress(Exception):  # tests that cannot be read, the verdict says
        wanted = code.read("", metadata).wanted
        names = {wanted} if isinstance(wanted, str) else set(wanted)
    if isinstance(metadata, dict) and metadata.get("language") == "cpp":
        return "```cpp\nint main() { return 0; }\n```"
    idle = [
        f"def {name}(*_, **__):\n    return None" for name in sorted(names) if name.isidentifier()
    ]
    return "```python\n" + ("\n\n".join(idle) or "pass") + "\n```"


def _last_line(request: Request) -> str:
    text = (
        request.completion.rpartition("<answer>")[2].partition("</answer>")[0] or request.completion
    )
    return " ".join(text.replace("`", " ").split())[-60:]
