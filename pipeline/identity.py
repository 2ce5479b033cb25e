"""The canonical identity of a stage: what its result depends on, and nothing else.

The fingerprint is a hash of canonical JSON, so the bytes must match across processes, machines
and years. A value without a stable form (a callable, a set, NaN, an object) is refused with its
key, since falling back to `str()` would make fingerprints that differ from run to run, or, worse,
that stay the same when the result changes.

What is in it: the kind and its version, the config that changes results, the fingerprints of the
inputs in order, the digests of outside files. What is not: the stage's name, paths, devices, batch
splits, logging (fields marked `metadata={"identity": False}`), what a stage only looks at (edges
whose rule says `identity=False`), and the names on the other edges, which enter as fingerprints. A
field marked `metadata={"identity": WHEN_SET}` is in it where it differs from its default: it came
later, and results from before did what the default does.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import RecipeError

FINGERPRINT_LENGTH = 16
WHEN_SET = "when set"


@dataclass(frozen=True)
class ConfigIdentity:
    """The part of a config that changes results; `files` maps a config key to a local file."""

    config: dict[str, Any]
    files: dict[str, Path]


@dataclass(frozen=True)
class InputIdentity:
    """One input of a stage: the edge it comes in by, and what made it."""

    edge: str
    stage: str
    fingerprint: str


def canonical_json(value: Any) -> str:
    """The one JSON text of a value; raises with the key of whatever has no stable form."""
    _require_stable(value, "")
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def config_identity(config: Any, edges: Collection[str] = ()) -> ConfigIdentity:
    """What of a stage's config (a dataclass instance) is part of its identity.

    edges: the fields that name other stages; these enter as fingerprints.
    """
    files: dict[str, Path] = {}
    fields = _identity_fields(config, "", files, skip=edges)
    return ConfigIdentity(fields, files)


def identity(
    kind: str,
    version: int,
    identity_config: Mapping[str, Any],
    inputs: Sequence[InputIdentity],
    file_digests: Mapping[str, str],
) -> dict[str, Any]:
    """The document that is hashed; the manifest keeps it whole, so that `r1 why` can compare."""
    return {
        "kind": kind,
        "version": version,
        "config": dict(identity_config),
        "inputs": [{"edge": i.edge, "fingerprint": i.fingerprint} for i in inputs],
        "files": dict(file_digests),
    }


def fingerprint(
    kind: str,
    version: int,
    identity_config: Mapping[str, Any],
    inputs: Sequence[InputIdentity],
    file_digests: Mapping[str, str],
) -> str:
    """The short hash that names a stage's result."""
    return digest_of(identity(kind, version, identity_config, inputs, file_digests))


def digest_of(document: Mapping[str, Any]) -> str:
    """The fingerprint of an identity document."""
    return hashlib.sha256(canonical_json(document).encode()).hexdigest()[:FINGERPRINT_LENGTH]


def _identity_fields(
    config: Any, path: str, files: dict[str, Path], skip: Collection[str] = ()
) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        if field.name in skip or field.metadata.get("identity") is False:
            continue
        key = f"{path}{field.name}"
        value = getattr(config, field.name)
        if field.metadata.get("identity") == WHEN_SET and value == _default(field):
            continue
        if field.metadata.get("file") and _is_local(value):
            files[key] = Path(value).expanduser()
        else:
            kept[field.name] = _identity_value(value, key, files)
    return kept


def _default(field: dataclasses.Field[Any]) -> Any:
    made = field.default_factory
    return field.default if made is dataclasses.MISSING else made()


def _identity_value(value: Any, key: str, files: dict[str, Path]) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _identity_fields(value, f"{key}.", files)
    if isinstance(value, Mapping):
        return {k: _identity_value(v, f"{key}.{k}", files) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_identity_value(v, f"{key}[{i}]", files) for i, v in enumerate(value)]
    return value


def _is_local(value: Any) -> bool:
    return isinstance(value, str | Path) and Path(value).expanduser().exists()


def _require_stable(value: Any, key: str) -> None:
    """Refuse what JSON would bend (non-string keys) or what has no stable text."""
    if value is None or isinstance(value, bool | int | str):
        return
    if isinstance(value, float):
        if not math.isfinite(value):
            raise _unstable(key, f"{value} is not a number that can be compared")
        return
    if isinstance(value, Mapping):
        for name, item in value.items():
            if not isinstance(name, str):
                raise _unstable(key, f"its key {name!r} is {type(name).__name__}, not text")
            _require_stable(item, f"{key}.{name}" if key else name)
        return
    if isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _require_stable(item, f"{key}[{index}]")
        return
    raise _unstable(key, f"a value of type {type(value).__name__} has no stable form")


def _unstable(key: str, found: str) -> RecipeError:
    return RecipeError(
        f"{key or 'the value'}: {found}, so no fingerprint can be made of it.\n"
        "Use numbers, text, lists and mappings, or mark the field identity=False "
        "if it does not change the result."
    )
