"""A folder in which a recipe is run, broken and run again; what it holds, and what it left behind.

Two recipes play: the toy of the engine's tests (seconds), and `r1_zero` of `profile=smoke` (RL with
verifiers, a minute). What follows is the same for both, as both are runs of one engine.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import manifest
from pipeline.errors import RecipeError

HERE = Path(__file__).resolve().parents[2]
MARK = "R1_DRILL_SCENE"  # in the environment of every process of a scene
PATIENCE = 300.0  # seconds; what takes longer is a hang


@dataclass(frozen=True)
class Recipe:
    """What is run: the command, the words of its run, and the harmless run's seconds."""

    name: str
    trained: str  # the stage that takes longest
    command: tuple[str, ...]
    words: tuple[str, ...]
    root: str  # the variable that says where results go
    path: str  # for PYTHONPATH


TOY = Recipe(
    "toy",
    "left",
    (sys.executable, "-m", "toy_recipe"),
    ("stages.left.steps=12", "stages.left.delay=0.05", "stages.right.delay=0.1"),
    "TOY_ROOT",
    os.pathsep.join((str(HERE), str(HERE / "tests" / "pipeline"))),
)
MINIATURE = Recipe(
    "miniature",
    "zero",
    (sys.executable, "-m", "stages"),
    ("profile=smoke", "recipe=r1_zero", "until=zero", "stages.zero.max_steps=8", "tracking=none"),
    "R1_ROOT",
    str(HERE),
)


@dataclass(frozen=True)
class Said:
    """How a command ended; code is None when it had to be killed."""

    words: tuple[str, ...]
    code: int | None
    text: str

    @property
    def unclear(self) -> str | None:
        """What a user could not make sense of, if there is any."""
        called = " ".join(self.words)
        if self.code is None:
            return f"`{called}` hangs"
        if "Traceback (most recent call last)" in self.text:
            last = self.text.strip().splitlines()[-1]
            return f"`{called}` ends in a traceback: {last[:200]}"
        if self.code > 0 and not self.text.strip():
            return f"`{called}` ends with {self.code} and says nothing"
        return None


class Scene:
    """One folder; every process that starts in it can be found again."""

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        self.folder, self.recipe = folder, recipe
        self.root, self.temporary = folder / "outputs", folder / "tmp"
        self.store = self.root / "store"
        for path in (self.root, self.temporary):
            path.mkdir(parents=True, exist_ok=True)

    def start(self, *words: str, **more: Any) -> subprocess.Popen[str]:
        """A command of the recipe in a process group of its own."""
        return subprocess.Popen(
            [*self.recipe.command, *words],
            cwd=self.folder if self.recipe is TOY else HERE,
            env=self._environment(more.pop("environment", {})),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            **more,
        )

    def end(self, process: subprocess.Popen[str], words: tuple[str, ...]) -> Said:
        """Wait for a command; one that hangs is killed with all its processes."""
        try:
            text, _ = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill_all()
            text, _ = process.communicate()
            return Said(words, None, text)
        return Said(words, process.returncode, text)

    def ask(self, *words: str, **more: Any) -> Said:
        """A command, to its end."""
        return self.end(self.start(*words, **more), words)

    def run(self, **more: Any) -> Said:
        """The recipe's run, to its end."""
        return self.ask("run", *self.recipe.words, **more)

    def start_run(self, **more: Any) -> subprocess.Popen[str]:
        """The recipe's run."""
        return self.start("run", *self.recipe.words, **more)

    def results(self) -> dict[str, dict[str, str]]:
        """What every artifact holds: stage → file → SHA-256, a curve without its times."""
        return {
            stage: {
                file.relative_to(folder).as_posix(): _digest(file)
                for file in sorted(folder.rglob("*"))
                if file.is_file() and file.name != "manifest.json"
            }
            for stage, folder in self.artifacts()
        }

    def made(self) -> dict[str, str]:
        """When every artifact was made, by its manifest; one without a readable one is left out."""
        found = {}
        for stage, folder in self.artifacts():
            with contextlib.suppress(RecipeError):
                found[stage] = str(manifest.read(folder)["created"])
        return found

    def artifacts(self) -> Iterator[tuple[str, Path]]:
        """Stage and folder of each artifact."""
        for folder in sorted(self.store.glob("[!.]*/*")):
            if folder.is_dir():
                yield folder.parent.name, folder

    def processes(self) -> dict[int, str]:
        """What runs in this scene now: pid → command line."""
        mark = f"{MARK}={self.folder}".encode()
        found = {}
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (path / "environ").read_bytes().split(b"\0"):
                    line = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    if line:  # a zombie has none
                        found[int(path.name)] = line
        return found

    def kill_all(self) -> None:
        """A power cut: whatever runs in this scene is gone, and so is what is only temporary."""
        while there := self.processes():
            for pid in there:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
        shutil.rmtree(self.temporary)
        self.temporary.mkdir()

    def left_behind(self) -> list[str]:
        """Processes, temporary files, leases and half-written things that outlived the last run."""
        deadline = time.monotonic() + 30
        while (there := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.1)
        found = [f"process {pid}: {line[:120]}" for pid, line in there.items()]
        half = [p for p in self.store.rglob("*.tmp") if ".corrupt" not in p.parts]
        half += [*(self.store / ".work").glob("adopt-*")]
        half += [p for p in (self.store / ".work").rglob("*") if p.is_file()]
        leases = list((self.store / ".leases").glob("*.json"))
        kept = "torchinductor_"  # torch's cache of compiled code, for the next process
        temporary = [p for p in self.temporary.iterdir() if not p.name.startswith(kept)]
        paths = [*temporary, *half, *leases]
        return [*found, *(str(path.relative_to(self.folder)) for path in paths)]

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": self.recipe.path,
            "COLUMNS": "200",
            "TMPDIR": str(self.temporary),
            self.recipe.root: str(self.root),
            MARK: str(self.folder),
            **more,
        }


def _digest(file: Path) -> str:
    """Of a file's content; of JSON that can be read, without what a clock had a part in."""
    content = file.read_bytes()
    with contextlib.suppress(ValueError, RecursionError):
        if file.suffix == ".jsonl":
            points = [_timeless(json.loads(line)) for line in content.splitlines()]
            content = json.dumps(points).encode()
        elif file.suffix == ".json":
            content = json.dumps(_timeless(json.loads(content))).encode()
    return hashlib.sha256(content).hexdigest()


def _timeless(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    clocked = ("time", "second")
    return {k: v for k, v in value.items() if not any(word in k for word in clocked)}
