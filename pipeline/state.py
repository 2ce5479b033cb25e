"""Small state files: read with their shape checked, written whole or not at all.

A state file is a help that may be lost at any time: a cache, a heartbeat, a list of attempts. One
that is torn, foreign or of another shape counts as absent, and the user hears of it once.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import json
import os
import uuid
from collections.abc import Hashable
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from pipeline import notices

T = TypeVar("T")


def read(path: Path, shape: type[T]) -> T | None:
    """The JSON in a file as `shape`: a dataclass, or a type such as dict[str, float].

    None if the file is absent, and with a warning if it is no file, cannot be read, or holds
    something else.
    """
    try:
        return parse(path.read_bytes(), shape)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        _say_once(path, str(error))
        return None


def parse(text: bytes | str, shape: type[T]) -> T:
    """JSON as `shape`, nothing converted. Raises ValueError, whatever is wrong with it."""
    adapter: TypeAdapter[T] = _adapter(cast(Hashable, shape))
    try:
        parsed: T = adapter.validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"{where}: {first['msg']}" if where else first["msg"]) from None
    return parsed


def write(path: Path, value: Any) -> None:
    """Write a value as JSON beside the file, then put it in its place. Raises OSError."""
    text = json.dumps(to_jsonable_python(value), ensure_ascii=False, indent=1)
    replace(path, text.encode(errors="replace"))  # half a surrogate has no UTF-8


def write_once(path: Path, value: Any) -> None:
    """The same, unless something is there already: of several writers the first one's stays."""
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")
    write(aside, value)
    flush(aside)
    try:
        os.link(aside, path)
    except FileExistsError:
        pass
    except OSError:  # a disk without hard links
        if not path.exists():
            aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def plain(value: Any) -> Any:
    """A value as JSON gives it back."""
    return json.loads(json.dumps(to_jsonable_python(value)))


def replace(path: Path, content: bytes) -> None:
    """Put new content in a file's place at once: a reader sees the old or the new, whole.

    A folder that lies in its place is renamed. What a kill leaves beside it the next write takes
    away. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside, descriptor = _aside(path)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.truncate()
            file.write(content)
            file.flush()
            os.close(os.dup(file.fileno()))  # a network disk sends what was written at a close
            if path.is_dir() and not path.is_symlink():
                path.rename(path.with_name(f"{path.name}.{os.getpid()}.stray"))
            aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise


def flush(path: Path) -> None:
    """Have the disk hold a file, or a folder's entries."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _aside(path: Path) -> tuple[Path, int]:
    """An open file beside another that is this thread's alone: the machine's usual one, if free.

    Each machine has its own, since its locks may not be known on others.
    """
    usual = path.with_name(f"{path.name}.{os.uname().nodename}.tmp")
    with contextlib.suppress(OSError):
        descriptor = os.open(usual, os.O_WRONLY | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(descriptor), usual.stat()):
                return usual, descriptor
        except (BlockingIOError, FileNotFoundError):  # another thread is at it, or was
            pass
        except OSError:  # a disk without locks
            usual.unlink(missing_ok=True)
        os.close(descriptor)
    own = path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")
    return own, os.open(own, os.O_WRONLY | os.O_CREAT, 0o666)


@functools.cache
def _adapter(shape: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(cast(Any, shape))


@functools.cache
def _say_once(path: Path, why: str) -> None:
    notices.warn(f"{path} cannot be used and counts as absent: {why}")
