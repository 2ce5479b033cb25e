"""`python -m pipeline.launchers.probe.node FOLDER`: what a machine of a cluster sees, written down.

`r1 doctor --cluster` has it started as stages are. It needs the standard library alone, since the
environment may be what is wrong. All speak by files of the folder (probe/asking.py answers):

    request.json            from the login node: what to look for
    ping-N-K, pong-N-K      a file from here, and the answer from there: bounds of the clocks' skew
    meeting.json, go.json   from the first machine: where it listens; whether all have reached it
    node-N.json             what this machine has seen, at first without the collectives

What cannot be written there is printed, since the output may come through where the disk does not.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

PRINTED = "R1-DOCTOR "  # begins a line with what a machine has seen
FAILED = (
    "before the stage this failed: "  # begins one with a command that a stage would go on after
)
ROUNDS = 5  # of ping and pong
ARRIVES = 60.0  # seconds in which a shared disk shows a new file; stages wait as long for a result
CONNECTS = 10.0  # seconds in which a machine reaches the first, beside what the disk takes
COLLECTIVES = 180.0  # seconds for imports and the collectives
TICK = 0.02  # seconds between looks at the disk
Report = dict[str, Any]


def main() -> int:
    """Look, and write down what was seen; the exit code is 0 where that was possible."""
    options = _parser().parse_args()
    folder, number = options.folder, options.number
    report = _machine(number, options.of)
    request = _read(folder / "request.json")
    if request is None:
        _tell(folder, report | {"done": True})
        return 1
    report["seen"] = {key: os.path.exists(path) for key, path in request["paths"].items()}
    report["free_bytes"] = shutil.disk_usage(folder).free
    report["lock"] = _lock(folder)
    report |= _pings(folder, number)
    _tell(folder, report)
    if "there_and_back" in report:
        patience = CONNECTS + 3 * report["there_and_back"]
        address = options.address or socket.gethostname()
        report |= _meet(folder, report, address, request["reach"], patience)
    _tell(folder, report | {"done": True})
    return 0


def _tell(folder: Path, report: Report) -> None:
    """Write what is known so far, and print it."""
    print(PRINTED + json.dumps(report), flush=True)
    with contextlib.suppress(OSError):
        _write(folder / f"node-{report['number']}.json", report)


def _machine(number: int, of: int) -> Report:
    found = {
        "number": number,
        "of": of,
        "name": os.environ.get("SLURMD_NODENAME") or socket.gethostname(),
        "host": socket.gethostname(),
        "executable": sys.executable,
        "python": sys.version.split()[0],
        "cpus": len(os.sched_getaffinity(0)),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
        "gpus": _gpus(),
    }
    try:
        from pipeline.manifest import versions

        found["versions"] = versions()
    except Exception as error:  # whatever an environment can lack
        found["broken"] = f"{type(error).__name__}: {error}"
    return found


def _gpus() -> Any:
    """Name and memory of each GPU that is seen here; a text where nvidia-smi fails."""
    smi = shutil.which("nvidia-smi")
    if smi is None:
        return []
    query = [smi, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    return lines if done.returncode == 0 else " ".join((done.stdout + done.stderr).split())


def _lock(folder: Path) -> str:
    """Whether flock reaches this machine from the one that holds this file's."""
    try:
        with open(folder / "lock", "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return "reaches"
    except OSError as error:
        return f"none ({error.strerror})"
    return "this node only"


def _pings(folder: Path, number: int) -> Report:
    """How long a file takes there and back, and between which bounds the clocks are apart.

    skew: seconds by which this clock is ahead at least and at most, from the order of events: the
    file was written before it was seen, and so was its answer.
    """
    low, high, longest = float("-inf"), float("inf"), 0.0
    for count in range(ROUNDS):
        began, at = time.monotonic(), time.time()
        try:
            _write(folder / f"ping-{number}-{count}", {})
        except OSError as error:
            return {"writes": str(error)}
        answer = _wait(folder / f"pong-{number}-{count}", ARRIVES)
        if answer is None:
            return {"unanswered": True}
        low = max(low, at - answer["seen"])
        high = min(high, time.time() - answer["wrote"])
        longest = max(longest, time.monotonic() - began)
    return {"skew": [low, high], "there_and_back": longest}


def _meet(
    folder: Path, report: Report, address: str, module: str | None, patience: float
) -> Report:
    """Reach the first machine as the ranks of a gang do, and then all by collectives."""
    number, of = report["number"], report["of"]
    tcp = _connect(folder, patience) if number else _listen(folder, of, address, patience)
    go = _wait(folder / "go.json", 2 * patience) or {"all": False}
    if not go["all"] or module is None:
        return {"tcp": tcp}
    meeting = _read(folder / "meeting.json") or {}
    environment = os.environ | {"RANK": str(number), "WORLD_SIZE": str(of), "LOCAL_RANK": "0"}
    environment |= {"MASTER_ADDR": meeting["address"], "MASTER_PORT": str(meeting["port"])}
    return {"tcp": tcp, "reach": _collectives(module, environment)}


def _listen(folder: Path, of: int, address: str, patience: float) -> str:
    with socket.create_server(("", 0)) as free, socket.create_server(("", 0)) as server:
        ports = {"tcp": server.getsockname()[1], "port": free.getsockname()[1]}
        free.close()
        _write(folder / "meeting.json", {"address": address, **ports})
        server.settimeout(patience)
        came = 0
        with contextlib.suppress(OSError):
            while came < of - 1:
                server.accept()[0].close()
                came += 1
    _write(folder / "go.json", {"all": came == of - 1})
    return ""


def _connect(folder: Path, patience: float) -> str:
    """Empty, or why the first machine cannot be reached."""
    meeting = _wait(folder / "meeting.json", patience)
    if meeting is None:
        return "the first node told no address"
    place = f"{meeting['address']}:{meeting['tcp']}"
    try:
        socket.create_connection((meeting["address"], meeting["tcp"]), CONNECTS).close()
    except OSError as error:
        return f"{place}: {error}"
    return ""


def _collectives(module: str, environment: dict[str, str]) -> Report:
    """What a module of the project says of them: JSON objects, a line each."""
    command = [sys.executable, "-m", module]
    found: Report = {}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    ) as process:  # fmt: skip
        try:
            said, errors = process.communicate(timeout=COLLECTIVES)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            said, errors = process.communicate()
            found["error"] = f"no answer within {COLLECTIVES:.0f} s"
    for line in said.splitlines():
        with contextlib.suppress(ValueError):
            found |= json.loads(line)
    if process.returncode and "error" not in found:
        lines = errors.strip().splitlines() or [f"exit code {process.returncode}"]
        found["error"] = lines[-1]
    return found


def _wait(path: Path, seconds: float) -> Report | None:
    deadline = time.monotonic() + seconds
    while (found := _read(path)) is None:
        if time.monotonic() > deadline:
            return None
        time.sleep(TICK)
    return found


def _read(path: Path) -> Report | None:
    try:
        found: Report = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found


def _write(path: Path, content: Report) -> None:
    """Whole or not at all."""
    aside = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    aside.write_text(json.dumps(content))
    aside.replace(path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipeline.launchers.probe.node")
    parser.add_argument("folder", type=Path, help="the probe's folder, with request.json")
    parser.add_argument("--number", type=int, default=0, help="which of the machines this is")
    parser.add_argument("--of", type=int, default=1, help="how many there are")
    parser.add_argument("--address", default="", help="by which the others reach the first one")
    return parser


if __name__ == "__main__":
    sys.exit(main())
