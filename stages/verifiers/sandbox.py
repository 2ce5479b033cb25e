"""Run code that a model wrote, and learn what it gives, without trusting it.

Isolation (isolation.py) is bubblewrap, namespaces or Landlock, always with a seccomp filter. All
give: no network, no file but Python's library (read-only), an empty environment, no other process
to signal, no new process, and the limits below.

The result channel. A program's process is given expressions, calls or stdin, and reports values or
output as plain data; what they should be, and the comparison, stay in this process or in a clean
jail process of their own. So there is nothing to forge: a program that finds the descriptor and
writes to it, patches builtins, defeats `==`, or exits early can only claim a value, and a wrong
claim is as wrong as a wrong return. Neither the server nor another child holds an expected value
that could be read.

    limit               default                   a row may set
    CPU                 the pool's `seconds`      "seconds", up to LARGEST_SECONDS
    wall clock          `patience` of the CPU (jail_server.py)
    address space       `Limits.memory_mb`        "memory_mb", up to LARGEST_MEMORY_MB
    processes           none can be started
    threads             jail/threads.py; none where the kernel cannot count them
    files               none can be written but in memory, by a name that the row gives
                        (jail/named_files.py); 64 can be open (jail/__main__.py)
    reported values     OUTPUT_BYTES
    standard output     twice the expected output and 64 KiB (code_stdio.py); stderr is dropped

Not covered: a program can still recognise a test's arguments and hard-code answers that it learned
in training (code_lookup.py refuses the plain ways). Within its limits it can waste the cores that
its threads find. The kernel is shared. Only Python's standard library is there, and the packages
that a `Sandbox` is made with. C++ has no threads: their stacks would be as large as its memory.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.errors import RecipeError
from stages.verifiers import packages as installed
from stages.verifiers.exchange import Stopped, lines, send
from stages.verifiers.isolation import Content
from stages.verifiers.jail import plain_json
from stages.verifiers.jail_server import Child, JailServer, Killed, Limits
from stages.verifiers.jailed_results import (
    OUTPUT_BYTES,
    Outcome,
    Output,
    any_value,
    ended,
    executable_of,
    failed_outcome,
    failed_output,
    output_of,
    timed,
    values_of,
)

LARGEST_MEMORY_MB = 1024
LARGEST_SECONDS = 300.0
COMPILER_MEMORY_MB = 2048

ISOLATION = (
    "no network, no files but Python's library and these read-only, no environment, no new "
    "processes; limits on memory, CPU, time and output"
)
WEAKER = {"landlock": "; programs can tell which files exist, but open none"}

_PART_KILLED = "Killed signal terminated program"  # as g++ says of what it started


class Sandbox:
    """A warm jail: start once, `run` many programs, `close`.

    packages: names of installed packages that programs may import; they and what they require are
    shown read-only and imported beforehand. modules: files of our own, shown and imported after
    these. compiler: folders that a compiler needs; such a jail can only `compile`.
    """

    def __init__(
        self,
        level: str | None = None,
        packages: Sequence[str] = (),
        compiler: Sequence[str] = (),
        modules: Sequence[Path] = (),
    ) -> None:
        found = installed.find(packages, modules)
        self._server = JailServer(level, Content(found, tuple(compiler)))
        self.level = self._server.level

    def close(self) -> None:
        """End the server and everything in it."""
        self._server.close()

    def run(
        self,
        code: str,
        expressions: Sequence[str],
        values: Mapping[str, Any] | None = None,
        seconds: float = Limits.seconds,
        memory_mb: int = Limits.memory_mb,
        keep: Callable[[int, Any], bool] = any_value,
    ) -> Outcome:
        """Run a program in a process of its own, then evaluate expressions in it.

        `values` are names that the program starts with. `keep` sees each value as it comes; when
        it says no, the program is ended there and the values so far are the outcome.
        """
        known = {name: plain_json.encode(value) for name, value in (values or {}).items()}
        request = _request("values", program=code, expressions=list(expressions), values=known)

        def attempt() -> Outcome:
            with self._server.child(Limits(seconds, memory_mb)) as child:
                outcome = values_of(child, request, len(expressions), keep)
            return timed(child, outcome)

        return self._server.attempt(attempt, failed_outcome)

    def run_suite(self, code: str, entry: str, suite: Mapping[str, str], limits: Limits) -> Outcome:
        """Run a test suite (jail/suite.py) in one process against a program in another.

        The values are the suite's verdict and its reason.
        """
        program, judge = _request("calls", program=code, entry=entry), _request("suite", **suite)

        def attempt() -> Outcome:
            with self._server.child(limits) as callee:
                outcome = self._suite(callee, program, judge, limits)
            return timed(callee, outcome)

        return self._server.attempt(attempt, failed_outcome)

    def run_checker(self, code: str, given: Mapping[str, str], limits: Limits) -> Outcome:
        """Run a checker (jail/program.py) in a process that has held no answer.

        given: its "input", "correct" and "answer". The value: what it printed, its exit status.
        """
        request = _request("checker", program=code, **given)

        def attempt() -> Outcome:
            with self._server.child(limits) as child:
                outcome = values_of(child, request, 1, any_value)
            return timed(child, outcome)

        return self._server.attempt(attempt, failed_outcome)

    def run_stdio(
        self,
        code: str,
        stdin: bytes,
        limits: Limits,
        largest: int,
        files: Mapping[str, str] | None = None,
    ) -> Output:
        """Run a program as __main__ with this stdin; its stdout, of `largest` bytes at most.

        files: names of an "input" that holds the stdin, of an "output" that is its stdout.
        """
        request = _request("stdio", program=code, **({"files": dict(files)} if files else {}))

        def attempt() -> Output:
            with self._server.stdio_child(limits, stdin) as child:
                written = output_of(child, largest, request)
            return ended(child, written)

        return self._server.attempt(attempt, failed_output)

    def run_binary(self, binary: int, stdin: bytes, limits: Limits, largest: int) -> Output:
        """The same for an executable, given as a descriptor."""

        def attempt() -> Output:
            with self._server.binary_child(limits, stdin, binary) as child:
                written = output_of(child, largest)
            return ended(child, written)

        return self._server.attempt(attempt, failed_output)

    def compile(self, command: Sequence[str], source: str, seconds: float) -> Output:
        """In a compiler's jail: an executable (jail/compiler.py), or what the compiler said."""
        request = _request("compile", command=list(command), source=source)

        def attempt() -> Output:
            with self._server.child(Limits(seconds, COMPILER_MEMORY_MB)) as child:
                made = executable_of(child, request)
            if not child.late and (child.killed or _PART_KILLED in made.problem):
                raise Killed
            return made

        return self._server.attempt(attempt, failed_output)

    def _suite(self, callee: Child, program: bytes, suite: bytes, limits: Limits) -> Outcome:
        try:
            send(callee.channel, program, callee.clock)
            os.set_blocking(callee.channel, True)  # as the suite's process expects it
            with self._server.child(limits, callee.channel) as judge:
                send(judge.channel, suite, judge.clock)
                for line in lines(judge.channel, OUTPUT_BYTES, callee.clock):
                    return Outcome(json.loads(line))
                judge.patient = True
        except Stopped as problem:
            return Outcome(problem=str(problem))
        if judge.killed:
            raise Killed
        callee.patient = True
        return Outcome(problem="the suite ended without a verdict")


def _request(mode: str, **fields: Any) -> bytes:
    return json.dumps({"mode": mode, **fields}).encode() + b"\n"


_shared: dict[tuple[str | Path, ...], Sandbox] = {}
_limit = Limits.seconds


def set_limit(seconds: float) -> None:
    """The CPU time of one judged answer in this process."""
    global _limit
    _limit = seconds


def limit() -> float:
    return _limit


def shared(*packages: str, modules: Sequence[Path] = ()) -> Sandbox:
    """This process's sandbox with these packages, started when first needed."""
    key: tuple[str | Path, ...] = (*packages, *modules)
    if key not in _shared:
        _shared[key] = Sandbox(packages=packages, modules=modules)
    return _shared[key]


def isolation() -> str:
    """What untrusted code runs in, in this process; "" while it has no sandbox."""
    return next((_described(sandbox.level) for sandbox in _shared.values()), "")


def describe_isolation() -> str:
    """What untrusted code would run in on this machine; starts a jail and ends it (cheap)."""
    try:
        sandbox = Sandbox()
    except RecipeError as problem:
        return f"refused: {problem}"
    sandbox.close()
    return _described(sandbox.level)


def _described(level: str) -> str:
    if level == "none":
        return "none (asked for by R1_SANDBOX): model code runs unprotected"
    return f"{level} and seccomp: {ISOLATION}{WEAKER.get(level, '')}"
