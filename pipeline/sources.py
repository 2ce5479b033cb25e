"""The source code behind a kind of stage, so that a change without a new version is noticed.

Found by reading the import statements from the kind's entry on, inside its own package, without
running any of it. What is imported by a computed name, or read as data, a kind lists in `sources`.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path

from pipeline import state
from pipeline.digests import Digests
from pipeline.errors import StageFailed
from pipeline.kinds import Kind


class Sources:
    """Digests of kinds' source code. What a file imports is remembered by the file's digest."""

    def __init__(self, digests: Digests, cache: Path) -> None:
        self._digests = digests
        self._cache = cache
        self._imports: dict[str, list[str]] = state.read(cache, dict[str, list[str]]) or {}
        self._known = len(self._imports)

    def digest(self, kind: Kind) -> str:
        """One digest of all the source code of a kind."""
        root = code_root(kind)
        paths = {*self._reached(kind, root), *_declared(kind, root)}
        lines = (f"{path.relative_to(root)}\0{self._digests.of_tree(path)}" for path in paths)
        return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16]

    def save(self) -> None:
        """Keep what was read, if the folder can be written."""
        if len(self._imports) == self._known:
            return
        with contextlib.suppress(OSError):
            state.write(self._cache, self._imports)

    def _reached(self, kind: Kind, root: Path) -> set[Path]:
        entry = kind.entry.partition(":")[0]
        reached: set[Path] = set()
        waiting = [entry]
        while waiting:
            path = _file_of(waiting.pop(), root)
            if path is not None and path not in reached:
                reached.add(path)
                package = entry.partition(".")[0]
                waiting += [name for name in self._imports_of(path) if _inside(name, package)]
        return reached

    def _imports_of(self, path: Path) -> list[str]:
        digest = self._digests.of_file(path)
        if digest not in self._imports:
            self._imports[digest] = sorted(set(_imported(path.read_text())))
        return self._imports[digest]


def code_root(kind: Kind) -> Path:
    """The folder that holds the top-level package of a kind's entry."""
    package = kind.entry.partition(":")[0].partition(".")[0]
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise StageFailed(f"kind `{kind.name}`: there is no package `{package}` for its entry")
    return Path(spec.origin).resolve().parents[1]


def _declared(kind: Kind, root: Path) -> list[Path]:
    paths = [root / name for name in kind.sources]
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise StageFailed(
            f"kind `{kind.name}`: {', '.join(missing)} does not exist; correct `sources` in the "
            "registry of kinds."
        )
    return paths


def _imported(code: str) -> Iterator[str]:
    """Every dotted name that a module imports; of `from a import b` both a and a.b may be one."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _inside(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def _file_of(module: str, root: Path) -> Path | None:
    path = root.joinpath(*module.split("."))
    return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()), None)
