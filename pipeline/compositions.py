"""Compositions that were made before: a command that was given once answers at once.

The name of each is a digest of all that it follows from: the files of conf/, the code that types
and settles a stage, the words of the command line, the environment that they read. So none is ever
stale; one that is torn or foreign counts as absent, as does a folder that cannot be written.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from pipeline import state
from pipeline.kinds import Registry
from pipeline.project import Project

if TYPE_CHECKING:
    from pipeline.compose import Composed

KEPT = 256  # compositions; the one that was used longest ago goes first
_PURE = {"oc.env", "oc.select", "oc.create", "oc.decode", "oc.dict.keys", "oc.dict.values"}
_RESOLVER = re.compile(rb"\$\{\s*([\w.]+):")
_ENVIRONMENT = re.compile(rb"\$\{\s*oc\.env:\s*(\w+)\s*[,}]")
_MADE_WITH = ("hydra-core", "omegaconf", "pydantic")


def folder() -> Path:
    """Where they are: in the user's cache, for all working folders."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "r1-recipe" / "compositions"


def path_of(project: Project, words: Sequence[str]) -> Path | None:
    """The file of a composition; None if it follows from more than is looked at here."""
    conf = list(_files(project.conf_dir(), "*.yaml"))
    asked = os.fsencode("\0".join(words))
    said = b"\0".join([asked, *(content for _, content in conf)])
    resolvers = {name.decode() for name in _RESOLVER.findall(said)}
    variables = _ENVIRONMENT.findall(said)
    whole_names = len(variables) == said.count(b"oc.env")  # not, say, ${oc.env:${name}}
    if b"searchpath" in said or not resolvers <= _PURE or not whole_names:
        return None
    whole = hashlib.sha256(asked)
    for name in sorted({*variables, b"HOME"}):
        whole.update(b"\0%b=%b" % (name, os.environb.get(name, b"\0")))
    for package in _MADE_WITH:
        whole.update(f"\0{package} {importlib.metadata.version(package)}".encode())
    for path, content in (*conf, *_sources(__name__), *_sources(project.registry)):
        whole.update(f"\0{path}\0{len(content)}\0".encode() + content)
    return folder() / f"{whole.hexdigest()[:32]}.json"


def read(path: Path, made: type[Composed], registry: Registry) -> Composed | None:
    """The composition that a file holds, if it does."""
    try:
        seal, _, text = path.read_bytes().partition(b"\n")
        if hashlib.sha256(text).hexdigest().encode() != seal:
            return None
        os.utime(path)
        return _parsed(made, json.loads(text), registry)
    except (OSError, ValueError):
        return None


def write(path: Path, composed: Composed, registry: Registry) -> None:
    """Keep a composition, unless it would not be read back the same."""
    said = {"root": composed.root, "choices": composed.choices, "overrides": composed.overrides}
    text = json.dumps(said).encode()
    with contextlib.suppress(OSError, ValueError):
        if _parsed(type(composed), json.loads(text), registry) == composed:
            state.replace(path, hashlib.sha256(text).hexdigest().encode() + b"\n" + text)
            _forget_oldest(path.parent)


def forget() -> None:
    """Delete them all."""
    shutil.rmtree(folder(), ignore_errors=True)


def _parsed(made: type[Composed], said: dict[str, Any], registry: Registry) -> Composed:
    stages = {
        name: _adapter(registry[stage["kind"]].config).validate_python(stage)
        for name, stage in said["root"]["stages"].items()
    }
    return made(**said, stages=stages)


@functools.cache
def _adapter(config: type) -> TypeAdapter[Any]:
    return TypeAdapter(config)


def _forget_oldest(place: Path) -> None:
    files = sorted(place.glob("*.json"), key=lambda file: file.stat().st_mtime)
    for file in files[:-KEPT]:
        file.unlink(missing_ok=True)


def _sources(module: str) -> Iterator[tuple[str, bytes]]:
    """The code of the package at whose top a module lies."""
    spec = importlib.util.find_spec(module.partition(".")[0])
    for place in (spec and spec.submodule_search_locations) or ():
        yield from _files(Path(place), "*.py")


def _files(place: Path, pattern: str) -> Iterator[tuple[str, bytes]]:
    for file in sorted(place.rglob(pattern)):
        yield file.relative_to(place).as_posix(), file.read_bytes()
