"""What made an artifact: versions, machine, code. The manifest is the truth about a result.

format, stage, kind, version, type, fingerprint, created, seed
seconds, attempts     over all attempts, killed ones included
cost                  the seconds by phase, what was counted, peaks (pipeline/meter.py)
config                resolved, whole          identity   what was hashed
inputs                [{edge, stage, fingerprint}]
files                 {path: {sha256, bytes}}      checksum   of all the rest of it
facts, funnel         what the stage reported
versions, host, code  where it ran: packages, machine, commit and digest of the kind's sources
"""

from __future__ import annotations

import errno
import functools
import hashlib
import importlib.metadata
import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from pydantic import ConfigDict
from typing_extensions import TypedDict

from pipeline import state, usage
from pipeline.artifact import MANIFEST
from pipeline.errors import RecipeError, StageFailed

FORMAT = 1
PACKAGES = (
    "torch",
    "transformers",
    "trl",
    "accelerate",
    "datasets",
    "peft",
    "vllm",
    "python-flint",
    "numpy",
    "pyarrow",
    "r1-recipe",
)


class CorruptArtifact(RecipeError):
    """An artifact that does not match its own manifest."""


class File(TypedDict):
    """What a manifest says of a file."""

    sha256: str
    bytes: int


class _Shape(TypedDict):
    """What the store itself reads of a manifest; its checksum vouches for the rest."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]
    stage: str
    type: str
    fingerprint: str
    created: str
    identity: dict[str, Any]
    facts: dict[str, Any]
    files: dict[str, File]
    checksum: str


def read(folder: Path) -> dict[str, Any]:
    """The manifest of an artifact, as it was published. Raises CorruptArtifact."""
    try:
        text = (folder / MANIFEST).read_bytes()
    except FileNotFoundError as error:
        raise CorruptArtifact(f"{folder}: {MANIFEST} is gone") from error
    except OSError as error:
        raise unreadable(f"{folder}: {MANIFEST}", error) from error
    return parsed(text, folder)


def parsed(text: bytes, place: object) -> dict[str, Any]:
    """The manifest that a text is. Raises CorruptArtifact, which names the place that has it."""
    try:
        manifest = cast(dict[str, Any], state.parse(text, _Shape))
    except ValueError as error:
        raise CorruptArtifact(f"{place}: {MANIFEST} cannot be read ({error})") from error
    if manifest["checksum"] != _checksum(manifest):
        raise CorruptArtifact(f"{place}: {MANIFEST} was changed after it was published")
    return manifest


def unreadable(what: str, error: OSError) -> RecipeError:
    """What to raise for a file that gives an error: it is harmed, or out of reach as it is."""
    if error.errno in _HARM:
        return CorruptArtifact(f"{what} cannot be read ({error.strerror})")
    return RecipeError(
        f"{what} cannot be read ({error.strerror}). Nothing was changed: make it readable for this "
        "user, or set paths.store to another folder."
    )


_HARM = (errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENOENT, errno.ENAMETOOLONG, errno.EIO)


def write(folder: Path, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Write a manifest and its checksum into a folder; returns what a reader will find there.

    It becomes plain JSON once, before anything is counted: what the manifest was made of may go on
    changing.
    """
    text = json.dumps(manifest, ensure_ascii=False).encode(errors="replace")
    frozen: dict[str, Any] = json.loads(text)
    whole = {**frozen, "checksum": _checksum(frozen)}
    state.replace(
        folder / MANIFEST, (json.dumps(whole, indent=1, ensure_ascii=False) + "\n").encode()
    )
    return whole


def _checksum(manifest: Mapping[str, Any]) -> str:
    """Of all that a manifest says, so that its facts are as safe as the files."""
    said = {key: value for key, value in manifest.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that results may depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def host() -> dict[str, Any]:
    """The machine, and the peak memory of this process and its largest child so far."""
    return {
        "name": platform.node(),
        "cpu": cpu_model(),
        "cores": cores(),
        "device": _device(),
        "peak_memory_mib": round(usage.peak_memory_mib()),
    }


def cores() -> int:
    """The CPU cores that this process may use, a container's share counted."""
    allowed = len(os.sched_getaffinity(0)) if _CAN_BIND else os.cpu_count() or 1
    try:
        quota, period = _CPU_SHARE.read_text().split()
    except (OSError, ValueError):
        return allowed
    return allowed if quota == "max" else min(allowed, max(1, round(int(quota) / int(period))))


_CPU_SHARE = Path("/sys/fs/cgroup/cpu.max")
_CAN_BIND = hasattr(os, "sched_getaffinity")  # macOS binds no process to cores


@functools.cache
def cpu_model() -> str:
    """The processor's name, as the kernel gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def commit(root: Path) -> str | None:
    """The git commit of the code, with `+` when files differ from it; None outside git."""
    head = _git(root, "rev-parse", "HEAD")
    if not head:
        return None
    return head + ("+" if _git(root, "status", "--porcelain", "--untracked-files=no") else "")


def jsonable(value: Any, key: str = "facts") -> Any:
    """A stage's facts as plain JSON values: numpy scalars unwrapped, NaN and infinity as null."""
    if hasattr(value, "item") and not isinstance(value, Mapping):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(k): jsonable(v, f"{key}.{k}") for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(v, f"{key}[{i}]") for i, v in enumerate(value)]
    raise StageFailed(
        f"{key}: the stage returned a {type(value).__name__}; facts are numbers, text, lists "
        "and mappings."
    )


def _device() -> str:
    """The accelerator that torch found, if the stage used torch at all."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    return "cpu"


def _git(root: Path, *arguments: str) -> str:
    """Without git's lock, which a stage that is killed would leave behind."""
    command = ["git", "--no-optional-locks", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
