"""What a row of code says of its tests, key by key (code.py has the list)."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any

from stages.verifiers import sandbox
from stages.verifiers.jail_server import Limits
from stages.verifiers.verdict import Unreadable

SMALLEST_MEMORY_MB = 256  # address space, of which Python takes a good part for itself


def files(metadata: Mapping[str, Any]) -> dict[str, str]:
    """The names of the files that stand for stdin and stdout; none where there are none."""
    files = metadata.get("files") or {}
    if not isinstance(files, Mapping) or not files.keys() <= {"input", "output"}:
        raise Unreadable("`files` must be an object with `input`, `output` or both")
    names = {key: text(files, key) for key in ("input", "output")}
    if any("/" in name or name in (".", "..") for name in names.values()):
        raise Unreadable(f"`files` names {files}: expected names without folders")
    return names if any(names.values()) else {}


def seconds(metadata: Mapping[str, Any], name: str) -> float | None:
    """Seconds of CPU, within what the sandbox gives; None where the row says nothing."""
    return min(number(metadata, name) or 0.0, sandbox.LARGEST_SECONDS) or None


def pairs(metadata: Mapping[str, Any], tests: Any) -> tuple[list[Any], list[Any]]:
    """Inputs and outputs, however they are written."""
    inputs, outputs = metadata.get("inputs"), metadata.get("outputs")
    if isinstance(tests, list | tuple):
        if not all(isinstance(t, Mapping) and {"input", "output"} <= t.keys() for t in tests):
            raise Unreadable("`tests` must be texts, or objects with `input` and `output`")
        inputs, outputs = [t["input"] for t in tests], [t["output"] for t in tests]
    if not isinstance(inputs, list | tuple) or not isinstance(outputs, list | tuple) or not inputs:
        raise Unreadable("no tests: `tests`, `test`, or `inputs` and `outputs` with at least one")
    if len(inputs) != len(outputs):
        raise Unreadable(f"{len(inputs)} inputs but {len(outputs)} outputs")
    return list(inputs), list(outputs)


def text(metadata: Mapping[str, Any], name: str) -> str:
    """A key that must hold text; "" where it is absent."""
    value = metadata.get(name) or ""
    if not isinstance(value, str):
        raise Unreadable(f"`{name}` must be text")
    return value


def packages(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """The packages that the program needs, all installed here."""
    names = metadata.get("packages") or []
    if not isinstance(names, list | tuple) or not all(isinstance(n, str) and n for n in names):
        raise Unreadable("`packages` must be a list of names")
    for name in names:
        try:
            distribution(name)
        except PackageNotFoundError:
            raise Unreadable(f"the package {name!r} is not installed: pip install it") from None
    return tuple(names)


def number(metadata: Mapping[str, Any], name: str) -> float | None:
    """A key that must hold a number above 0; None where it is absent."""
    value = metadata.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise Unreadable(f"`{name}` must be a number above 0")
    return float(value)


def memory(metadata: Mapping[str, Any]) -> int:
    """Megabytes of address space of one run, within what the sandbox gives."""
    asked = number(metadata, "memory_mb") or Limits.memory_mb
    return int(min(max(asked, SMALLEST_MEMORY_MB), sandbox.LARGEST_MEMORY_MB))
