"""C++: compiled once per answer in a jail of its own, then run with neither fork nor exec.

The compiler's jail has what a compiler needs (processes, a folder of its own to write to, the
system's headers) and what every jail lacks: network, the machine's files, privileges. It runs the
compiler alone, never the program. Compiling does not count as the program's time: it has its own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from stages.verifiers.sandbox import Sandbox
from stages.verifiers.verdict import Verdict

COMPILERS = ("g++", "clang++")
OPTIONS = ("-x", "c++", "-", "-std=gnu++17", "-O2", "-w", "-DONLINE_JUDGE")
NO_COMPILER = Verdict(None, "no C++ compiler on this machine: apt install g++")

COMPILE_SECONDS = 10.0  # of CPU; <bits/stdc++.h> takes one or two

_TRIVIAL = "int main() { return 0; }"
_FOLDERS = ("/usr", "/bin")


@contextmanager
def compiled(source: str) -> Iterator[int | Verdict]:
    """A descriptor of the executable, or the verdict when there is none."""
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        yield NO_COMPILER
        return
    jail, problem = _jail(compiler)
    if problem:
        yield Verdict(None, f"{compiler} does not work in the sandbox: {problem}")
        return
    made = jail.compile((compiler, *OPTIONS), source, COMPILE_SECONDS)
    if made.problem:
        yield Verdict(0.0, f"does not compile: {made.problem}")
        return
    descriptor = os.memfd_create("program")
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(made.content)
        yield descriptor
    finally:
        os.close(descriptor)


@lru_cache(maxsize=1)
def _jail(compiler: str) -> tuple[Sandbox, str]:
    """The compiler's jail, and what is wrong with it, which is no fault of a program."""
    jail = Sandbox(compiler=[folder for folder in _FOLDERS if os.path.isdir(folder)])
    return jail, jail.compile((compiler, *OPTIONS), _TRIVIAL, COMPILE_SECONDS).problem
