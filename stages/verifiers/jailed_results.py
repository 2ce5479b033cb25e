"""What a jailed process reports, read under its clock and its limits (sandbox.py)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from stages.verifiers.exchange import Stopped, chunks, lines, send
from stages.verifiers.jail import plain_json
from stages.verifiers.jail_server import Child, Killed

OUTPUT_BYTES = 1 << 20  # values of one program, as JSON
LARGEST_EXECUTABLE = 64 << 20
TIMED_OUT = "timed out"


@dataclass(frozen=True)
class Outcome:
    """values: one per expression, or fewer when `problem` says what ended the program.

    used: seconds of CPU.
    """

    values: list[Any] = field(default_factory=list)
    problem: str = ""
    used: float = 0.0


@dataclass(frozen=True)
class Output:
    """What a program wrote to stdout, or in `problem` why that does not count; its CPU seconds."""

    content: bytes = b""
    problem: str = ""
    used: float = 0.0


def failed_outcome(problem: str) -> Outcome:
    """Of a program that could not be run."""
    return Outcome(problem=problem)


def failed_output(problem: str) -> Output:
    """Of a program that could not be run."""
    return Output(problem=problem)


def any_value(number: int, value: Any) -> bool:
    """Whatever value comes, the program goes on."""
    return True


def values_of(
    child: Child, request: bytes, expected: int, keep: Callable[[int, Any], bool]
) -> Outcome:
    """The values that a child reports, up to one that `keep` says no to."""
    values: list[Any] = []
    try:
        send(child.channel, request, child.clock)
        for line in lines(child.channel, OUTPUT_BYTES, child.clock):
            data = json.loads(line)
            if isinstance(data, dict):
                return Outcome(values, f"raised {str(data['raised'])[:40]}")
            values.append(plain_json.decode(data))
            if not keep(len(values) - 1, values[-1]) or len(values) == expected:
                return Outcome(values)
    except Stopped as problem:
        return Outcome(values, str(problem))
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        return Outcome(values, "no result")
    child.patient = True
    return Outcome(values, "" if len(values) == expected else "no result")


def output_of(child: Child, largest: int, request: bytes = b"") -> Output:
    """All that a child writes to its stdout."""
    try:
        if request:
            send(child.channel, request, child.clock)
        content = b"".join(chunks(child.output, largest, child.clock))
    except Stopped as problem:
        return Output(problem=str(problem))
    child.patient = True
    return Output(content)


def timed(child: Child, outcome: Outcome) -> Outcome:
    """The outcome with its time, or that there was not enough of it."""
    if child.killed:
        raise Killed
    return Outcome(outcome.values, TIMED_OUT if child.late else outcome.problem, child.used)


def ended(child: Child, output: Output) -> Output:
    """The output, if the program ended as a good one does."""
    if child.killed:
        raise Killed
    problem = TIMED_OUT if child.late else output.problem
    if not problem and child.status:
        signalled = child.status < 0
        problem = f"signal {-child.status}" if signalled else f"exit status {child.status}"
    return Output(output.content, problem, child.used)


def executable_of(child: Child, request: bytes) -> Output:
    """The executable that a compiler's child sends, or what the compiler said."""
    try:
        send(child.channel, request, child.clock)
        answer = b"".join(chunks(child.channel, LARGEST_EXECUTABLE + OUTPUT_BYTES, child.clock))
    except Stopped as problem:
        return Output(problem=f"compiling {problem}")
    child.patient = True
    head, _, executable = answer.partition(b"\n")
    said = json.loads(head or b'{"problem": "no result"}')
    return Output(executable, said.get("problem", ""))
