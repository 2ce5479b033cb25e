"""C++ answers: compiled in the sandbox, judged by stdin and stdout, as harmless as Python ones."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from stages.chat.template import tagged
from stages.verifiers.code_cpp import COMPILERS
from stages.verifiers.pool import VerifierPool
from stages.verifiers.verdict import Request, Verdict

needs_compiler = pytest.mark.skipif(
    not any(map(shutil.which, COMPILERS)), reason="no C++ compiler: apt install g++"
)

HEADERS = (
    "#include <cstdio>\n#include <cstdlib>\n#include <fcntl.h>\n#include <signal.h>\n"
    "#include <sys/socket.h>\n#include <sys/syscall.h>\n#include <unistd.h>\n"
)
ROWS: dict[str, Any] = {"inputs": ["1 2\n", "3 4\n"], "outputs": ["3\n", "7\n"], "seconds": 0.5}


def program(before: str = "", result: str = "a + b", functions: str = "") -> str:
    """A program that does something and then prints a sum."""
    return (
        f"{HEADERS}{functions}\nint main() {{ int a, b; {before}\n"
        f'if (scanf("%d %d", &a, &b) != 2) return 1; printf("%d\\n", {result}); return 0; }}'
    )


@pytest.fixture(scope="module")
def pool() -> Iterator[VerifierPool]:
    with VerifierPool(workers=1, timeout=20.0) as pool:
        yield pool


def ask(pool: VerifierPool, answer: str, **rows: Any) -> Verdict:
    reference = f"```cpp\n{program()}\n```"
    return pool.verify([Request("code", tagged("x", answer), reference, {**ROWS, **rows})])[0]


@needs_compiler
@pytest.mark.parametrize(
    ("answer", "score"),
    [
        (program(), 1.0),
        (f"So:\n```cpp\n{program()}\n```\nDone.", 1.0),
        (f"```c++\n{program()}\n```", 1.0),
        ("```python\nprint(sum(map(int, input().split())))\n```", 1.0),
        (program(result="a - b"), 0.0),
        (program(result="a +"), 0.0),
        ("int main() {}", 0.0),
    ],
)
def test_a_program_is_compiled_and_judged(pool: VerifierPool, answer: str, score: float) -> None:
    assert ask(pool, answer).score == score


@needs_compiler
def test_a_row_may_take_one_language_only(pool: VerifierPool) -> None:
    python = "```python\nprint(sum(map(int, input().split())))\n```"
    assert ask(pool, python, language="cpp").score == 0.0
    assert ask(pool, program(), language="cpp").score == 1.0


@needs_compiler
def test_deep_recursion_has_the_memory_of_the_row_as_stack(pool: VerifierPool) -> None:
    deep = "int g(int n) { volatile char c[64]; c[0] = 0; return n ? g(n - 1) + c[0] : 0; }"
    answer = program(result="a + b + g(1000000)", functions=deep)
    assert ask(pool, answer, memory_mb=512, seconds=5.0).score == 1.0


ASSEMBLER = 'long r; asm volatile("{0}" : "=a"(r) : "a"({1}) : "memory"{2}); if (r < 0) abort();'
ATTACKS = {
    "forks": "if (fork() < 0) abort();",
    "forks in a loop": "for (;;) fork();",
    "forks by assembler": ASSEMBLER.format("syscall", 57, ', "rcx", "r11"'),
    "calls another architecture": ASSEMBLER.format("int $0x80", 2, ""),
    "runs a command": 'if (system("true") != 0) abort();',
    "replaces itself": 'char *none[] = {0}; if (execve("/usr/bin/true", none, none)) abort();',
    "replaces itself by a descriptor": 'int d = open("/lib64/ld-linux-x86-64.so.2", O_RDONLY);'
    'while (d >= 0 && d < 200) d = dup(d); if (syscall(322, d, "", 0, 0, 0x1000)) abort();',
    "loops for ever": "for (;;);",
    "sleeps": "sleep(60);",
    "asks for memory": "for (;;) { char *p = (char *)malloc(1 << 20); if (!p) abort(); *p = 1; }",
    "floods stdout": 'for (;;) puts("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");',
    "writes to every descriptor": 'for (int n = 0; n < 300; n++) if (write(n, "9 ", 2)) {}',
    "opens a socket": "if (socket(AF_INET, SOCK_STREAM, 0) < 0) abort();",
    "writes a file": 'if (open("/tmp/x", O_CREAT | O_WRONLY, 0666) < 0) abort();',
    "reads a file of the machine": 'if (open("/etc/passwd", O_RDONLY) < 0) abort();',
    "kills the server": "if (kill(1, 9) < 0) abort();",
    "exits early": "_exit(0);",
    "crashes": "*(volatile int *)0 = 1;",
}


@needs_compiler
@pytest.mark.timeout(120)
@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_wrong_and_harms_nobody(pool: VerifierPool, attack: str) -> None:
    of_intel = "assembler" in attack or "architecture" in attack
    if of_intel and os.uname().machine != "x86_64":
        pytest.skip("the assembler is that of x86_64")
    verdict = ask(pool, program(ATTACKS[attack]))
    assert verdict.score == 0.0
    assert "compile" not in verdict.reason
    assert ask(pool, program()).score == 1.0


@needs_compiler
@pytest.mark.parametrize(
    "source",
    [
        '#include "/etc/passwd"',
        '#include "/proc/self/environ"',
        'asm(".incbin \\"/etc/passwd\\"");',
        "template<int n> struct T { T<n + 1> t; }; T<0> t;",
        "constexpr int f(int n) { return n < 0 ? 0 : f(n + 1) + f(n + 2); } "
        "static_assert(f(0) == 1);",
    ],
)
def test_a_source_can_neither_read_the_machine_nor_hang_the_compiler(
    pool: VerifierPool, source: str
) -> None:
    verdict = ask(pool, f"{source}\n{program()}")
    assert verdict.score == 0.0
    assert "does not compile" in verdict.reason or "timed out" in verdict.reason
    assert ask(pool, program()).score == 1.0


def test_without_a_compiler_there_is_no_verdict() -> None:
    code = (
        "from stages.verifiers import code\n"
        "target = code.read('#include <cstdio>', {'inputs': ['1'], 'outputs': ['1']})\n"
        "print(code.judge('#include <cstdio>', target))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PATH": "/nowhere"}
    )
    assert "score=None" in told.stdout
    assert "apt install g++" in told.stdout
