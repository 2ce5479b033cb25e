"""A folder behind a URL, as pyarrow opens it. Names below it are relative, with `/` between parts.

How patient a request is, is the library's: it asks an S3 that does not answer for 6 s, Azure four
times. Google's would be asked for 15 minutes, which is cut here.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import quote

from pipeline import addresses
from pipeline.errors import RecipeError, UsageError

SCHEMES = ("s3", "gs", "gcs", "abfs", "abfss", "hdfs", "viewfs", "file")
_GOOGLE = {"retry_limit_seconds": "10"}
#: What is added to a URL that does not say it. s3: a small file takes one request instead of three.
_SAID = {"s3": {"allow_delayed_open": "true"}, "gs": _GOOGLE, "gcs": _GOOGLE}
_OF_URLS = "%/:?&=@+,;~[]!$'()*"  # quoted are all others, but for letters and digits
_FOLDERS = ("local", "hdfs", "viewfs")  # have folders, and show files that are half written

_CHUNK = 8 << 20
_ON_ITS_WAY = 64 << 20  # bytes that are written before it is waited for their arrival

#: Called with the bytes that have just gone over the wire.
Told = Callable[[int], None]

_NO_BUCKET = re.compile(r"NO_SUCH_BUCKET|NoSuchBucket|Bucket '[^']*' not found|ContainerNotFound")
_REFUSED = re.compile(
    r"ACCESS_DENIED|AccessDenied|INVALID_ACCESS_KEY|InvalidAccessKey|SIGNATURE_DOES_NOT_MATCH|"
    r"INVALID_CLIENT_TOKEN|EXPIRED_TOKEN|PERMISSION_DENIED|UNAUTHENTICATED|HTTP status 40[13]|"
    r"HTTP response code 40[13]|Status Code: 40[13]|Permission denied|AuthenticationException"
)
_LONGEST = 300  # letters of the library's own words


class Unreachable(RecipeError):
    """A URL that cannot be read or written now."""


@dataclass(frozen=True)
class Found:
    """A file behind a URL. changed: its time there, to be compared with its own only."""

    bytes: int
    changed: object


def is_url(text: str) -> bool:
    """Whether this is a URL and no folder."""
    return "://" in text


class Place:
    """A folder behind a URL; nothing is asked of it until it is used.

    key: the config key that names it. Raises UsageError for a URL of a kind that nobody knows; all
    methods raise Unreachable.
    """

    def __init__(self, key: str, url: str) -> None:
        self.key = key
        self.url = url
        self._scheme = url.partition("://")[0]
        if not is_url(url) or self._scheme not in SCHEMES:
            raise UsageError(
                f"{key}: {addresses.shown(url)} is no URL that results are sent to. Expected one "
                f"of {', '.join(f'{scheme}://' for scheme in SCHEMES)}, e.g. "
                f"`{key}=s3://bucket/prefix` or `{key}=file:///mnt/results`."
            )

    def __str__(self) -> str:
        return self.url.partition("?")[0].rstrip("/")

    def files(self, under: str = "") -> dict[str, Found]:
        """All files below a name, by their names below it; none if there is no such folder."""
        from pyarrow.fs import FileSelector, FileType

        root = self._path(under)
        with self._asking():
            try:
                found = self._system.get_file_info(FileSelector(root, recursive=True))
            except FileNotFoundError:
                return {}
        return {
            info.path.removeprefix(f"{root}/"): Found(info.size, info.mtime_ns)
            for info in found
            if info.type == FileType.File
        }

    def read(self, name: str) -> bytes | None:
        """A small file; None if it is not there."""
        with self._asking():
            try:
                with self._system.open_input_stream(self._path(name), compression=None) as stream:
                    return cast(bytes, stream.read())
            except FileNotFoundError:
                return None

    def write(self, name: str, content: bytes) -> None:
        """A small file, there at once or not at all."""
        with self._written(name) as stream, self._asking():
            stream.write(content)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with self._asking(), contextlib.suppress(FileNotFoundError):
            self._system.delete_file(self._path(name))

    def fetch(self, name: str, target: BinaryIO, told: Told) -> None:
        """Write a file's content into an open one, which may raise OSError.

        Raises FileNotFoundError if there is none.
        """
        with self._asking():
            try:
                stream = self._system.open_input_stream(self._path(name), compression=None)
            except FileNotFoundError:
                stream = None
        if stream is None:
            raise FileNotFoundError(name)
        with stream:
            while True:
                with self._asking():
                    chunk = stream.read(_CHUNK)
                if not chunk:
                    return
                target.write(chunk)
                told(len(chunk))

    def send(self, source: Path, name: str, told: Told) -> None:
        """Write a local file there. If it is interrupted, a part of it may be there."""
        with source.open("rb") as file, self._written(name) as stream:
            waiting = 0
            while chunk := file.read(_CHUNK):
                waiting += len(chunk)
                with self._asking():
                    stream.write(chunk)
                    if waiting >= _ON_ITS_WAY:  # what is on its way lies in memory
                        stream.flush()
                        waiting = 0
                told(len(chunk))

    @contextlib.contextmanager
    def _written(self, name: str) -> Iterator[Any]:
        """A file open for writing. Where there are folders it is made beside, and moved at last."""
        path = self._path(name)
        beside = f"{path}.part" if self._system.type_name in _FOLDERS else path
        with self._asking():
            if beside != path:
                self._system.create_dir(path.rpartition("/")[0], recursive=True)
            stream = self._system.open_output_stream(beside, compression=None)
        try:
            yield stream
        finally:
            with self._asking():
                stream.close()
        if beside != path:
            with self._asking():
                self._system.move(beside, path)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    @property
    def _system(self) -> Any:
        return self._opened[0]

    @property
    def _root(self) -> str:
        return self._opened[1]

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        from pyarrow import ArrowInvalid, ArrowNotImplementedError
        from pyarrow.fs import FileSystem

        try:
            with self._asking():
                system, root = FileSystem.from_uri(self._whole_url())
        except (ArrowInvalid, ArrowNotImplementedError) as error:
            shown = addresses.shown(self.url)
            raise UsageError(f"{self.key}: {shown} cannot be opened: {_first(error)}") from error
        return system, str(root).rstrip("/")

    def _whole_url(self) -> str:
        """With what is added to it, and letters that a URL may not have as it may have them."""
        address, _, query = quote(self.url, safe=_OF_URLS).partition("?")
        given = query.split("&") if query else []
        said = {setting.partition("=")[0] for setting in given}
        given += [f"{k}={v}" for k, v in _SAID.get(self._scheme, {}).items() if k not in said]
        return "?".join([address, "&".join(given)] if given else [address])

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        """Around requests: what the library says becomes a reason."""
        try:
            yield
        except OSError as error:
            raise Unreachable(f"{self.key}: {self} {_reason(error)}") from error


def _reason(error: OSError) -> str:
    said = str(error)
    if _NO_BUCKET.search(said):
        words = "has no such bucket: make it, or correct the URL"
    elif _REFUSED.search(said) or isinstance(error, PermissionError):
        words = (
            "refuses access: see the credentials in the environment or in the cloud's own files, "
            "and what they may do"
        )
    else:
        words = "cannot be reached"
    return f"{words} ({_first(error)})"


def _first(error: Exception) -> str:
    """The library's words, without what follows on further lines."""
    line = next(iter(str(error).splitlines()), type(error).__name__)
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
