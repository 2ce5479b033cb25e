"""The sandbox: what it isolates at each level, its limits, its values, and when it refuses."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pipeline.errors import RecipeError, UsageError
from stages.verifiers import isolation
from stages.verifiers.jail_server import Limits
from stages.verifiers.sandbox import Sandbox, describe_isolation

ROOT = Path(__file__).resolve().parents[2]


def elsewhere(*folders: str) -> list[str]:
    """Without those that the checkout or Python lies in: their names can be seen in a jail."""
    parents = {*ROOT.parents, *Path(sys.base_prefix).resolve().parents}
    return [folder for folder in folders if Path(folder) not in parents]


@pytest.fixture(scope="module", params=isolation.LEVELS)
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A jail of each level; only namespaces must work on every machine that runs the tests."""
    try:
        jail = Sandbox(request.param)
    except RecipeError as problem:
        if request.param == "namespaces":
            raise
        pytest.skip(f"this machine has no {request.param}: {str(problem).splitlines()[1]}")
    yield jail
    jail.close()


def test_nothing_of_the_machine_can_be_read(sandbox: Sandbox) -> None:
    program = (
        "import os\ndef closed(path):\n    try: open(path).read()\n"
        "    except OSError: return True\n"
        "def unlisted(path):\n    try: os.listdir(path)\n    except OSError: return True\n"
    )
    files = ["/etc/passwd", "/proc/self/maps", "/proc/1/environ", str(Path(__file__).resolve())]
    outcome = sandbox.run(
        program,
        [
            "dict(os.environ)",
            "os.getcwd()",
            f"all(map(closed, {files}))",
            f"all(map(unlisted, {elsewhere('/etc', '/home', '/proc', '/dev', '/tmp')}))",
        ],
    )
    assert outcome.values == [{}, "/", True, True]


def test_with_mounts_of_its_own_a_program_is_nobody_and_sees_no_other_file(
    sandbox: Sandbox,
) -> None:
    if sandbox.level == "landlock":
        pytest.skip("Landlock does not hide that a file exists, and keeps the user")
    here = str(Path(__file__).resolve())
    paths = (*elsewhere("/proc/self", "/etc", "/home", "/dev", "/tmp"), here)
    outcome = sandbox.run("import os", [f"any(map(os.path.exists, {paths}))", "os.getuid()"])
    assert outcome.values == [False, 65534]


@pytest.mark.parametrize(
    "attack",
    [
        "os.fork()",
        "ctypes.CDLL(None).syscall(56, 17, 0, 0, 0, 0) + 1 or os.fork()",
        "multiprocessing.Process(target=print).start()",
        "os.execv('/usr/bin/true', ['true'])",
        "subprocess.run(['true'])",
        "socket.socket()",
        "socket.socketpair()",
        "open('/tmp/x', 'w')",
        "open(os.__file__, 'a')",
        "os.open(os.__file__, os.O_RDONLY | os.O_TRUNC)",
        "os.mkdir('/tmp/x')",
        "os.unlink(os.__file__)",
        "os.rename(os.__file__, '/x')",
        "os.symlink('/etc', '/tmp/x')",
        "os.chmod(os.__file__, 0o777)",
        "os.utime(os.__file__)",
        "os.kill(os.getppid(), 9)",
        "os.kill(-1, 9)",
        "os.setuid(0)",
        "os.memfd_create('x')",
        "os.nice(-5)",
        "resource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
    ],
)
def test_a_program_can_only_compute(sandbox: Sandbox, attack: str) -> None:
    program = "import ctypes, multiprocessing, os, resource, socket, subprocess"
    outcome = sandbox.run(program, [attack])
    assert outcome.problem.startswith("raised ")
    assert "Name" not in outcome.problem
    assert sandbox.run("", ["1 + 1"]).values == [2]


def test_programs_do_not_see_each_other(sandbox: Sandbox) -> None:
    sandbox.run("import math\nmath.pi = 3\nleft = 1", ["left"])
    outcome = sandbox.run("import math\nfound = 'left' in globals()", ["found", "math.pi == 3"])
    assert outcome.values == [False, False]


def test_values_come_back_as_they_are(sandbox: Sandbox) -> None:
    value = [
        *(None, True, -7, 2**100, 1.5, 2j, "é猫", b"\x00", (1, [2]), {3}, frozenset({4})),
        *({5: {}}, range(1, 9, 2)),
    ]
    assert sandbox.run("", [repr(value)]).values == [value]
    assert sandbox.run("", ["v[3] + 1"], {"v": value}).values == [2**100 + 1]


def test_a_run_ends_at_the_first_value_that_is_not_wanted(sandbox: Sandbox) -> None:
    outcome = sandbox.run(
        "def f(): return 1 if f.n else 0\nf.n = 0",
        ["1", "2", "3"],
        keep=lambda number, value: value != 2,
    )
    assert outcome.values == [1, 2]


def test_limits_hold_and_the_next_program_is_unharmed(sandbox: Sandbox) -> None:
    assert sandbox.run("while True: pass", ["1"], seconds=0.3).problem == "timed out"
    large = "x = bytes(300 << 20)"
    assert sandbox.run(large, ["len(x) >> 20"], memory_mb=512).values == [300]
    assert "MemoryError" in sandbox.run(large, ["1"], memory_mb=256).problem
    assert sandbox.run("", ["'x' * (2 << 20)"]).problem == "too much output"
    flood = "print('x' * 5000)"
    assert sandbox.run_stdio(flood, b"", Limits(), largest=4000).problem == "too much output"
    assert sandbox.run_stdio(flood, b"", Limits(), largest=6000).content == b"x" * 5000 + b"\n"
    assert sandbox.run("", ["1 + 1"]).values == [2]


def test_the_same_program_gives_the_same_value_in_every_jail() -> None:
    values = []
    for _ in range(2):
        jail = Sandbox()
        values.append(jail.run("import random", ["random.random()", "hash('a')"]).values)
        jail.close()
    assert values[0] == values[1]


def test_a_dead_jail_is_replaced(sandbox: Sandbox) -> None:
    os.kill(sandbox._server.process_id, signal.SIGKILL)
    time.sleep(0.05)
    assert sandbox.run("", ["1 + 1"]).values == [2]


def test_no_process_of_a_jail_outlives_it() -> None:
    jail = Sandbox("namespaces")
    server = jail._server.process_id
    descendants = [server, *(child.pid for child in psutil.Process(server).children())]
    assert len(descendants) > 1
    jail.close()
    deadline = time.monotonic() + 5
    while any(map(psutil.pid_exists, descendants)):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_packages_can_be_used_and_nothing_else_that_is_installed(sandbox: Sandbox) -> None:
    level = sandbox.level
    jail = Sandbox(level, packages=["packaging"])
    program = "from packaging.version import Version"
    assert jail.run(program, ["Version('1.10') > Version('1.9')"]).values == [True]
    if level != "landlock":
        assert "ModuleNotFound" in jail.run("import pytest", ["1"]).problem
    assert "PermissionError" in jail.run("open('/tmp/x', 'w')", ["1"]).problem
    jail.close()


def test_a_package_that_is_not_installed_is_named() -> None:
    with pytest.raises(UsageError, match="pip install no-such-package"):
        Sandbox(packages=["no-such-package"])


AS_ANOTHER_USER = """
import os, sys
sys.path[:0] = sys.argv[2:]
from stages.verifiers.sandbox import Sandbox
jail = Sandbox(sys.argv[1])
print(jail.run("import os", ["6 * 7"]).values, jail.run("import os; os.fork()", ["1"]).problem)
"""


def test_an_ordinary_user_has_the_level_too(sandbox: Sandbox) -> None:
    setpriv = shutil.which("setpriv")
    if os.getuid() != 0 or setpriv is None:
        pytest.skip("root with setpriv can become another user; an ordinary one is one already")
    user = [setpriv, "--reuid", "12345", "--regid", "12345", "--clear-groups"]
    pythons = (str(Path(sys.executable).resolve()), "/usr/bin/python3")
    check = "import os, sys; assert sys.version_info >= (3, 11) and os.path.exists(sys.executable)"
    usable = [p for p in pythons if _succeeds([*user, p, "-c", check])]
    readable = _succeeds([*user, "test", "-r", str(ROOT / "stages" / "verifiers" / "code.py")])
    if not usable or not readable:
        pytest.skip("another user can run no Python 3.11 or cannot read this checkout")
    paths = [str(ROOT), next(p for p in sys.path if p.endswith("site-packages"))]
    told = subprocess.run(
        [*user, usable[0], "-c", AS_ANOTHER_USER, sandbox.level, *paths],
        capture_output=True,
        text=True,
    )
    assert told.stdout == "[42] raised PermissionError\n", told.stderr


def _succeeds(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


def test_without_isolation_untrusted_code_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_jail(level: str, content: object) -> object:
        raise OSError("not permitted")

    monkeypatch.setattr(isolation, "_start", no_jail)
    monkeypatch.delenv("R1_SANDBOX", raising=False)
    with pytest.raises(RecipeError, match="R1_SANDBOX=none runs it unprotected") as refusal:
        Sandbox()
    assert "docker run" in str(refusal.value)
    assert describe_isolation().startswith("refused")


def test_no_isolation_must_be_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("R1_SANDBOX", "none")
    assert "unprotected" in describe_isolation()
    monkeypatch.setenv("R1_SANDBOX", "nothing")
    with pytest.raises(UsageError, match="bubblewrap, namespaces, landlock, none"):
        Sandbox()


def test_the_isolation_is_told_without_loading_torch() -> None:
    code = (
        "import sys; from stages.verifiers.sandbox import describe_isolation as d; print(d());"
        "assert 'torch' not in sys.modules"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.startswith(isolation.LEVELS)
