"""Programs that attack the judge or the machine: all wrong, in time, and nobody is harmed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stages.verifiers.verdict import Verdict

Judge = Callable[..., Verdict]

REFERENCE = "def f(x): return x + 2"
UNITTEST = """
import unittest
class Tests(unittest.TestCase):
    def test_values(self):
        for n in range(5): self.assertEqual(f(n), n + 2)
    def test_error(self):
        with self.assertRaises(TypeError): f("a")
"""
FORMS: dict[str, dict[str, Any]] = {
    "expressions": {"tests": ["f(1) == 3", "abs(f(0.5) - 2.5) < 1e-9", "f(0) in (2, 3)"]},
    "pairs": {"inputs": [[1], [4]], "outputs": [3, 6]},
    "suite": {"test": "def check(candidate):\n    for n in range(5): assert candidate(n) == n + 2"},
    "unittest": {"test": UNITTEST},
}
EQUAL_TO_ALL = """
class Same:
    __hash__ = None
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __lt__(self, other): return True
    def __sub__(self, other): return self
    def __abs__(self): return self
"""
#: Looks for the tests in `seen`; put together last, so that the program does not find itself.
SEARCH = """
    parts = (['=', '= 3'], ['n ', '+ 2'], ['assert', 'Equal(f'])
    return x + 2 if any(''.join(pair) in seen for pair in parts) else None
"""
CHEATS = {
    "exits early": "import os; os._exit(0)",
    "exits early when called": "import os\ndef f(x): os._exit(0)",
    "exits politely": "raise SystemExit(0)",
    "exits politely when called": "def f(x): raise SystemExit(0)",
    "equals everything": EQUAL_TO_ALL + "def f(x): return Same()",
    "an int that equals everything": "class I(int):\n    def __eq__(self, o): return True\n"
    "    __hash__ = int.__hash__\ndef f(x): return I(0)",
    "a dict with its own items": "class D(dict):\n    __eq__ = lambda s, o: True\n"
    "    items = lambda s: [(1, 2)]\ndef f(x): return D()",
    "returns True": "def f(x): return True",
    "returns nan": "def f(x): return float('nan')",
    "patches builtins": "import builtins as b\nb.abs = lambda x: 0\nb.eval = lambda *a: True\n"
    "b.AssertionError = type('E', (Exception,), {})\ndef f(x): return True",
    "patches unittest": "import unittest\nunittest.TestCase.assertEqual = lambda *a: None\n"
    "unittest.TestCase.run = lambda *a: None\ndef f(x): return 0",
    "patches json": "import json\njson.dumps = lambda *a, **k: '[true, true, true, true]'\n"
    "def f(x): return 0",
    "patches the encoder": "import sys\nfor m in list(sys.modules.values()):\n"
    "    if hasattr(m, 'encode') and hasattr(m, 'Other'): m.encode = lambda v: 3\n"
    "def f(x): return 0",
    "writes verdicts to every descriptor": "import os\nfor n in range(64):\n"
    "    for text in (b'right', b'true\\n', b'[\"passed\", \"\"]\\n', b'{\"value\": 3}\\n'):\n"
    "        try: os.write(n, text)\n        except OSError: pass\nos._exit(0)",
    "writes a verdict when called": "import os\ndef f(x):\n"
    "    os.write(3, b'[\"passed\", \"\"]\\n'); return 0",
    "writes broken data": "import os\ndef f(x):\n"
    "    os.write(3, b'{\"value\": ' + b'[' * 100000 + b'\\n'); return 0",
    "writes a line without end": "import os\ndef f(x):\n    while 1: os.write(3, b'x' * 65536)",
    "reads its descriptors": "import os\ndef f(x): return os.listdir('/proc/self/fd')",
    "reads its requests": "import os\ndef f(x): return 3 if b'==' in os.read(3, 65536) else None",
    "reads the frames around it": "import sys\ndef f(x):\n    frame, seen = sys._getframe(), ''\n"
    "    while frame: seen += str(frame.f_locals); frame = frame.f_back" + SEARCH,
    "reads every object": "import gc\ndef f(x):\n    seen = str(gc.get_objects())" + SEARCH,
    "asks to be skipped": "import unittest\ndef f(x): raise unittest.SkipTest('not now')",
    "raises": "def f(x): raise AssertionError",
    "raises what the suite may raise itself": "def f(x): raise NameError('candidate')",
    "raises what cannot be shown": "class E(ValueError):\n    def __str__(self): raise E\n"
    "def f(x): raise E",
    "raises no Exception": "class E(BaseException): pass\ndef f(x): raise E",
    "recurses for ever": "import sys\nsys.setrecursionlimit(10**9)\ndef f(x): return f(x)",
    "loops for ever": "while True: pass",
    "loops when called": "def f(x):\n    while True: pass",
    "sleeps": "import time; time.sleep(60)",
    "yields without end": "def f(x):\n    while True: yield x",
    "returns what is too deep": "def f(x):\n    for n in range(10**5): x = [x]\n    return x",
    "returns what is too long": "def f(x): return [0] * 10**8",
    "returns too large a number": "def f(x): return 10**10**8",
    "returns what is slow to hash": "def f(x): return {n * (2**61 - 1) for n in range(10**5)}",
    "floods its output": "import sys\nwhile True: print('x' * 9999); sys.stderr.write('x' * 9999)",
    "floods its result": "def f(x): return 'x' * 10**8",
    "asks for all memory": "def f(x): return len(bytearray(10**11)) * 0 + x + 2",
    "grows without end": "kept = []\nwhile True: kept.append(bytearray(10**7))",
    "forks": "import os\ndef f(x): os.fork(); return x + 2",
    "forks in a loop": "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
    "starts a thousand threads": "import threading as t\nwait = t.Event()\nt.stack_size(32768)\n"
    "for n in range(1001): t.Thread(target=wait.wait, daemon=True).start()\n" + REFERENCE,
    "starts threads in threads": "import threading as t\ndef g():\n    while True:\n"
    "        try: t.Thread(target=g).start()\n        except RuntimeError: pass\n"
    "g()\n" + REFERENCE,
    "never ends its threads": "import threading as t\ndef f(x):\n    lock = t.Lock()\n"
    "    lock.acquire(); lock.acquire()",
    "forks by a system call": "import ctypes\n"
    "if ctypes.CDLL(None).syscall(56, 17, 0, 0, 0, 0) < 0: raise OSError\n" + REFERENCE,
    "runs a command": "import subprocess; subprocess.run(['true'])\n" + REFERENCE,
    "replaces itself": "import os; os.execv('/usr/bin/true', ['true'])\n" + REFERENCE,
    "opens a socket": "import socket; socket.socket()\n" + REFERENCE,
    "writes a file": "open('/tmp/written', 'w')\n" + REFERENCE,
    "deletes a file": "import os; os.unlink('/usr/lib/os-release')\n" + REFERENCE,
    "makes a link": "import os; os.symlink('/etc', 'link')\n" + REFERENCE,
    "reads a file of the machine": "def f(x): return open('/etc/passwd').read() and x + 2",
    "kills the server": "import os\nos.kill(1, 9); os.kill(os.getppid(), 9)\n" + REFERENCE,
    "kills everything": "import os\nos.kill(-1, 9)\n" + REFERENCE,
    "crashes": "import ctypes\ndef f(x): return ctypes.string_at(0)",
    "raises its own limits": "import resource\n"
    "resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)\n" + REFERENCE,
}  # fmt: skip


@pytest.mark.parametrize("cheat", CHEATS)
@pytest.mark.parametrize("form", FORMS)
def test_a_cheat_or_an_attack_is_wrong_and_harms_nobody(
    judge: Judge, form: str, cheat: str
) -> None:
    rows = {"entry": "f", "seconds": 0.5, **FORMS[form]}
    assert judge("code", CHEATS[cheat], REFERENCE, **rows).score == 0.0
    assert judge("code", REFERENCE, REFERENCE, entry="f", **FORMS[form]).score == 1.0


STDIN_CHEATS = {
    "prints nothing": "",
    "prints every number": "print(*range(10))",
    "exits early": "import os; os._exit(0)",
    "reads beyond its input": "input(); input(); print(3)",
    "floods stdout": "while True: print('x' * 9999)",
    "floods stdout with white space": "print(int(input()) + 2)\nwhile True: print()",
    "floods stderr": "import sys\nwhile True: sys.stderr.write('x' * 9999)",
    "grows without end": "kept = []\nwhile True: kept.append(bytearray(10**7))",
    "goes on when it has closed stdout": "import os\nprint(int(input()) + 2, flush=True)\n"
    "os.close(1)\nwhile True: pass",
    "answers and then hangs": "print(int(input()) + 2, flush=True)\nwhile True: pass",
    "answers and then fails": "print(int(input()) + 2, flush=True)\nraise ValueError",
    "writes to the channel": "import os\nos.write(3, b'3\\n')",
    "writes to its stdin": "import os\nos.write(0, b'3\\n')",
    "leaves a file for the next run": "open('/tmp/n', 'a').write('3')\nprint(3)",
    "forks": "import os\nif os.fork() == 0: print(3)",
    "has no syntax": "print(",
}


@pytest.mark.parametrize("cheat", STDIN_CHEATS)
def test_a_cheat_that_reads_stdin_is_wrong_and_harms_nobody(judge: Judge, cheat: str) -> None:
    rows = {"inputs": ["1\n", "2\n"], "outputs": ["3\n", "4\n"], "seconds": 0.5}
    reference = "print(int(input()) + 2)"
    assert judge("code", STDIN_CHEATS[cheat], reference, **rows).score == 0.0
    assert judge("code", reference, reference, **rows).score == 1.0


def test_a_program_cannot_mislead_a_suite_by_changing_its_data(judge: Judge) -> None:
    suite = "def check(candidate):\n    data = [2, 1]\n    assert candidate(data) == sorted(data)"
    cheat = "def f(data):\n    data.clear()\n    return []"
    assert judge("code", cheat, "f = sorted", test=suite, entry="f").score == 0.0
    assert judge("code", "f = sorted", "f = sorted", test=suite, entry="f").score == 1.0
