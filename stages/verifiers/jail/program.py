"""Inside the jail: run one program and say what its expressions or calls give, as plain data.

The judge sends one line of JSON, {"mode": …, "program": …}, and the child answers in lines:

    values   the value of each of "expressions", in which "values" are known names, and which
             statements may stand before; an exception, {"raised": type}, is the last
    calls    for each line [arguments, keywords] that comes, what "entry" gives: {"value"}, or
             {"raised": [type, text]}; {"ended": type} when the program cannot be called any more
    stdio    nothing: the program is __main__, reads stdin, writes stdout, and has an exit status;
             where it reads and writes "files" {"input", "output"}, the one holds what stdin does,
             and stdout gets what the other was given
    checker  what a checker printed and its exit status: it is __main__, and its arguments name
             files that hold "input", "correct" and "answer"
    suite    the verdict of a test suite that calls a program in another child (suite.py)
"""

from __future__ import annotations

import ast
import atexit
import io
import json
import os
import sys
import threading
from types import ModuleType
from typing import IO, Any

import plain_json
import suite
from named_files import NamedFiles

LINE_BYTES = 8 << 20  # of one request for a call
PRINTED = 100  # letters of what a checker printed that are told
GIVEN = {"input": "input.txt", "correct": "correct_output.txt", "answer": "solution_output.txt"}


def answer(descriptor: int) -> int:
    """Read the request, do it; the exit status of the process."""
    with open(descriptor, "rb", closefd=False) as stream:
        request = json.loads(stream.readline())
        mode = request["mode"]
        if mode == "stdio":
            files = request.get("files")
            return run_with_files(request, **files) if files else run_as_main(request["program"])
        if mode == "values":
            report_values(request, descriptor)
        elif mode == "checker":
            write_line(descriptor, plain_json.encode(check(request)))
        elif mode == "calls":
            serve_calls(request, stream, descriptor)
        else:
            write_line(descriptor, suite.judge(request, descriptor + 1))
    return 0


def write_line(descriptor: int, data: Any) -> None:
    line = json.dumps(data).encode() + b"\n"
    while line:
        line = line[os.write(descriptor, line) :]


def run(source: str, name: str, known: dict[str, Any] | None = None) -> dict[str, Any]:
    """Run a program as a module; its names."""
    module = ModuleType(name)
    sys.modules[name] = module  # dataclasses and the like look there
    module.__dict__.update(known or {})
    exec(compile(source, f"<{name}>", "exec"), module.__dict__)
    return module.__dict__


def report_values(request: dict[str, Any], descriptor: int) -> None:
    """The encoded value of each expression, up to an exception."""
    try:
        known = {name: plain_json.decode(value) for name, value in request["values"].items()}
        space = run(request["program"], "program", known)
        for expression in request["expressions"]:
            *before, last = ast.parse(expression).body
            exec(compile(ast.Module(before, []), "<test>", "exec"), space)
            value = eval(compile(ast.Expression(last.value), "<test>", "eval"), space)
            write_line(descriptor, plain_json.encode(value))
    except BaseException as problem:  # SystemExit and KeyboardInterrupt are a program's too
        write_line(descriptor, {"raised": type(problem).__name__})


def serve_calls(request: dict[str, Any], stream: IO[bytes], descriptor: int) -> None:
    """What the entry gives for each call that is asked for, until nobody asks."""
    try:
        space = run(request["program"], "program")
        for line in iter(lambda: stream.readline(LINE_BYTES), b""):
            arguments, keywords = map(plain_json.decode, json.loads(line))
            write_line(descriptor, call(request["entry"], space, arguments, keywords))
    except BaseException as problem:
        write_line(descriptor, {"ended": type(problem).__name__})


def call(entry: str, space: dict[str, Any], arguments: Any, keywords: Any) -> dict[str, Any]:
    """What one call gives."""
    try:
        return {"value": plain_json.encode(eval(entry, space)(*arguments, **keywords))}
    except Exception as problem:
        return {"raised": [type(problem).__name__, str(problem)[:1000]]}


def run_with_files(request: dict[str, Any], input: str, output: str) -> int:
    """Run a program that reads one named file, or writes one, or both; its exit status.

    Where it writes one, what it prints is nothing.
    """
    contents = {input: sys.stdin.buffer.read()} if input else {}
    files = NamedFiles(contents, output)
    files.install()
    if output:
        sys.stdout = io.StringIO()
    status = run_as_main(request["program"])
    if output:
        content = files.written()
        while content:
            content = content[os.write(1, content) :]
    return status


def check(request: dict[str, Any]) -> list[Any]:
    """Run a checker; the beginning of what it printed, and its exit status."""
    NamedFiles({name: request[key].encode() for key, name in GIVEN.items()}).install()
    sys.argv = ["checker.py", *GIVEN.values()]
    sys.stdout = printed = io.StringIO()
    status = run_as_main(request["program"])
    return [printed.getvalue()[:PRINTED], status]


def run_as_main(source: str) -> int:
    """Run a program that reads stdin and writes stdout, and its threads; its exit status."""
    status = 0
    try:
        run(source, "__main__")
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException:
        status = 1
    try:
        threading._shutdown()  # type: ignore[attr-defined]  # waits for threads, as Python does
        atexit._run_exitfuncs()
        sys.stdout.flush()
    except BaseException:
        status = status or 1
    return status & 0xFF
