"""What is done to a run, and what is looked at afterwards.

Every event ends with a healthy run of the same command. `unequal`: a result differs from that of a
run that nobody disturbed. `lost`: something finished that was not harmed had to be made again, or
the healthy run does not succeed. `leaked`: a process, temporary file or lease is left. `unclear`: a
traceback, a hang, or a failure without a word.
"""

from __future__ import annotations

import contextlib
import os
import random
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.drill.harms import HARMS
from benchmarks.drill.scene import MINIATURE, TOY, Recipe, Said, Scene

VERBS = ("status", "plan", "gc", "report", "why")


class Skipped(Exception):
    """This machine cannot do that; says why."""


@dataclass(frozen=True)
class Reference:
    """A run that nobody disturbed: its folder, results and seconds."""

    scene: Scene
    results: Mapping[str, Mapping[str, str]]
    seconds: float

    @classmethod
    def of(cls, folder: Path, recipe: Recipe) -> Reference:
        scene, start = Scene(folder, recipe), time.monotonic()
        said = scene.run()
        if said.code != 0:
            raise RuntimeError(f"the run that nobody disturbed fails: {said.text}")
        return cls(scene, scene.results(), time.monotonic() - start)


@dataclass
class Event:
    """One disturbance in a scene; what was done, and what is wrong with what came of it."""

    scene: Scene
    reference: Reference
    rng: random.Random
    did: list[str] = field(default_factory=list)
    found: list[tuple[str, str]] = field(default_factory=list)
    harmed: set[str] = field(default_factory=set)  # the stages whose own artifact was harmed
    closed: bool = False

    def heard(self, said: Said, allowed: tuple[int, ...] = ()) -> Said:
        """Judge what a command said; an exit code of `allowed` (any, if empty) is none to note."""
        if said.unclear:
            self.found.append(("unclear", said.unclear))
        elif allowed and said.code not in allowed:
            text = f"`{' '.join(said.words)}` ends with {said.code}: {said.text.strip()[-300:]}"
            self.found.append(("lost", text))
        return said

    def close(self) -> None:
        """A healthy run, and a look at everything; once."""
        if self.closed:
            return
        self.closed = True
        before = self.scene.made()
        said = self.heard(self.scene.run(), (0,))
        if said.code == 0:
            results, made = self.scene.results(), self.scene.made()
            for stage, files in self.reference.results.items():
                if results.get(stage) != files:
                    self.found.append(("unequal", f"{stage}: {_differing(results, stage, files)}"))
            again = {s for s, when in before.items() if made.get(s) != when} - self.harmed
            self.found += [("lost", f"{stage} was made again") for stage in sorted(again)]
        self.found += [("leaked", what) for what in self.scene.left_behind()]

    def moment(self, share: float = 1.0) -> None:
        """Wait for a random part of the time that the run takes."""
        time.sleep(self.rng.uniform(0.02, share * self.reference.seconds))


def killed(event: Event) -> None:
    """Some process of the run is killed or told to end, at any moment."""
    who = event.rng.choice(["runner", "stage", "fork server", "any", "all"])
    number = event.rng.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
    process = event.scene.start_run()
    event.moment()
    victims = _victims(event.scene, process.pid, who, event.rng)
    event.did.append(f"{signal.Signals(number).name} to {who}")
    for pid in victims:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
    if who == "all" and number == signal.SIGKILL:
        event.scene.kill_all()
    said = event.scene.end(process, ("run",))
    if who in ("runner", "all") and number == signal.SIGKILL:
        _wait_for_end(event.scene)
    event.heard(said)


def harmed(event: Event) -> None:
    """A file of a finished run is harmed; then people ask and run."""
    _copy(event)
    _harm_one(event, event.scene.root)
    verb = event.rng.choice(VERBS)
    of = [event.scene.recipe.trained] if verb == "why" else []
    event.heard(event.scene.ask(verb, *of, *event.scene.recipe.words))


def harmed_halfway(event: Event) -> None:
    """The run is killed, a file of what it left is harmed, and it goes on."""
    process = event.scene.start_run()
    event.moment()
    event.scene.kill_all()
    event.scene.end(process, ("run",))
    under = [event.scene.store / ".work", event.scene.store / ".leases", event.scene.root]
    _harm_one(event, next((p for p in under if any(_files(p))), event.scene.root))


def raced(event: Event) -> None:
    """Two runners on one folder, now and then over a corrupt artifact."""
    if event.rng.random() < 0.5:
        _copy(event)
        artifacts = list(event.scene.artifacts())
        stage, folder = event.rng.choice(artifacts)
        _harm_one(event, folder)
        event.harmed.add(stage)
    one = event.scene.start_run()
    time.sleep(event.rng.choice([0.0, 0.0, event.rng.uniform(0.0, event.reference.seconds)]))
    two = event.scene.start_run()
    event.did.append("two runners")
    for process in (one, two):
        event.heard(event.scene.end(process, ("run",)), (0,))


def disk_full(event: Event) -> None:
    """The store's disk has no room for the run; then it has."""
    kib = event.rng.choice([16, 24, 32, 48, 64, 80, 96, 112, 128, 160, 192, 256, 384, 512])
    if event.scene.recipe is MINIATURE:
        kib *= 64
    event.did.append(f"a disk of {kib} KiB")
    with _disk(event.scene.root, f"size={kib}k"):
        event.heard(event.scene.run())
        _mount("-o", "remount,size=2g", str(event.scene.root))
        event.close()


def read_only(event: Event) -> None:
    """The store may only be read."""
    event.did.append("a read-only disk")
    with _disk(event.scene.root, "size=2g"):
        if event.rng.random() < 0.5:
            _copy(event)
        _mount("-o", "remount,ro", str(event.scene.root))
        for verb in ("status", "plan", "run"):
            event.heard(event.scene.ask(verb, *event.scene.recipe.words))
        _mount("-o", "remount,rw", str(event.scene.root))
        event.close()


def clock_moved(event: Event) -> None:
    """The clock went forth or back between two runs: every time that is on file is shifted."""
    process = event.scene.start_run()
    event.moment()
    event.scene.kill_all()
    event.scene.end(process, ("run",))
    seconds = event.rng.choice([-1, 1]) * event.rng.choice([90, 3600, 86400, 10 * 365 * 86400])
    event.did.append(f"times shifted by {seconds} s")
    for path in event.scene.root.rglob("*"):
        if not path.is_symlink():
            stat = path.stat()
            os.utime(path, (stat.st_atime + seconds, stat.st_mtime + seconds))


def little_memory(event: Event) -> None:
    """The run has little address space; then it has enough."""
    mib = event.rng.choice([128, 192, 256, 384, 512, 768, 1024, 1536, 2048])
    event.did.append(f"ulimit -v {mib} MiB")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (mib << 20, mib << 20))

    event.heard(event.scene.run(preexec_fn=limit))


def worker_killed(event: Event) -> None:
    """A worker of the verifiers, or an engine's process, is killed or stopped while RL runs."""
    process = event.scene.start_run()
    number = event.rng.choice([signal.SIGKILL, signal.SIGSTOP])
    event.did.append(f"{number.name} to a verifier's worker")
    deadline = time.monotonic() + 10 * event.reference.seconds
    while process.poll() is None and time.monotonic() < deadline:
        workers = [p for p, line in event.scene.processes().items() if "verifiers.worker" in line]
        if workers:
            time.sleep(event.rng.uniform(0.0, event.reference.seconds / 4))
            with contextlib.suppress(ProcessLookupError):
                os.kill(event.rng.choice(workers), number)
            break
        time.sleep(0.02)
    event.heard(event.scene.end(process, ("run",)), (0,))


def mlflow_away(event: Event) -> None:
    """MLflow's server does not answer while the run goes on."""
    event.did.append("MLflow is away")
    away = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
    words = [word for word in event.scene.recipe.words if word != "tracking=none"]
    event.heard(event.scene.ask("run", *words, environment=away))


#: The disturbances of a recipe, with how often each is drawn.
EVENTS: dict[str, dict[Callable[[Event], None], int]] = {
    "toy": {
        killed: 34,
        harmed: 26,
        harmed_halfway: 12,
        raced: 10,
        disk_full: 8,
        read_only: 3,
        clock_moved: 4,
        little_memory: 3,
    },
    "miniature": {
        killed: 30,
        harmed: 20,
        harmed_halfway: 16,
        worker_killed: 16,
        disk_full: 6,
        mlflow_away: 4,
        little_memory: 4,
        raced: 4,
    },
}


def _victims(scene: Scene, runner: int, who: str, rng: random.Random) -> list[int]:
    there = {pid: line for pid, line in scene.processes().items() if pid != runner}
    servers = sorted(pid for pid, line in there.items() if "forkserver" in line)
    of = {
        "runner": [runner],
        "fork server": servers[:1],
        "stage": servers[1:],
        "any": [rng.choice(sorted({*there, runner}))],
        "all": sorted({*there, runner}),
    }
    return of[who]


def _harm_one(event: Event, under: Path) -> None:
    """Harm a file; but for the toy's own notes, which have no checksums as real checkpoints do."""
    notes = ("checkpoint.json", "metrics.jsonl") if event.scene.recipe is TOY else ()
    files = sorted(f for f in _files(under) if ".work" not in f.parts or f.name not in notes)
    if not files:
        return
    path, what = event.rng.choice(files), event.rng.choice(sorted(HARMS))
    event.did.append(f"{path.relative_to(event.scene.root)}: {what}")
    place = path.relative_to(event.scene.root).parts
    if place[0] == "store" and not place[1].startswith("."):
        event.harmed.add(place[1])
    HARMS[what](path, event.rng)


def _files(under: Path) -> Iterator[Path]:
    return (path for path in under.rglob("*") if path.is_file() and not path.is_symlink())


def _copy(event: Event) -> None:
    """Take what the undisturbed run has finished."""
    shutil.copytree(event.reference.scene.root, event.scene.root, symlinks=True, dirs_exist_ok=True)


def _differing(
    results: Mapping[str, Mapping[str, str]], stage: str, files: Mapping[str, str]
) -> str:
    found = results.get(stage, {})
    return ", ".join(n for n in sorted({*files, *found}) if files.get(n) != found.get(n))


def _wait_for_end(scene: Scene) -> None:
    """Stages watch for their runner's end themselves."""
    deadline = time.monotonic() + 30
    while scene.processes() and time.monotonic() < deadline:
        time.sleep(0.05)


@contextlib.contextmanager
def _disk(folder: Path, options: str) -> Iterator[None]:
    """A file system of its own in a folder, until it is left."""
    if os.geteuid() != 0:
        raise Skipped("only root may mount a disk")
    _mount("-t", "tmpfs", "-o", options, "tmpfs", str(folder))
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _mount(*words: str) -> None:
    done = subprocess.run(["mount", *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise Skipped(f"mount: {done.stderr.strip()}")
