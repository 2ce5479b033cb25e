"""Inside the jail: files that are there by name alone, in memory, since no real one can be written.

A contest's program may read `input.txt` and write `output.txt`; a checker is given the names of
three files. `open` finds what is given here, and keeps what is written to the one name that may be
written. All other names mean real files, which can only be read.
"""

from __future__ import annotations

import builtins
import io
import os
from collections.abc import Mapping
from typing import Any

WRITING = frozenset("wax+")


class _Written(io.BytesIO):
    """Keeps its content when it is closed."""

    kept: bytes | None = None

    def close(self) -> None:
        if self.kept is None:
            self.kept = self.getvalue()
        super().close()

    def content(self) -> bytes:
        return self.getvalue() if self.kept is None else self.kept


class NamedFiles:
    """contents: what is read under each name. output: the name that may be written, or ""."""

    def __init__(self, contents: Mapping[str, bytes], output: str = "") -> None:
        self._contents = dict(contents)
        self._output = output
        self._open = builtins.open
        self._written: _Written | None = None
        self._texts: list[io.TextIOWrapper] = []

    def install(self) -> None:
        """From here on `open` finds them, and so do pathlib, codecs and fileinput."""
        builtins.open = io.open = self.open  # type: ignore[assignment]

    def written(self) -> bytes:
        """What the output holds, closed or not."""
        for text in self._texts:
            if not text.closed:
                text.flush()
        return b"" if self._written is None else self._written.content()

    def open(self, file: Any, mode: str = "r", *more: Any, **keywords: Any) -> Any:
        """As the built-in one."""
        name = os.path.normpath(os.fspath(file)) if isinstance(file, str | os.PathLike) else None
        if name == self._output and WRITING & set(mode):
            raw: io.BytesIO = self._output_file("a" in mode)
        elif name in self._contents and not WRITING & set(mode):
            raw = io.BytesIO(self._contents[name])
        else:
            return self._open(file, mode, *more, **keywords)
        if "b" in mode:
            return raw
        _, encoding, errors, newline, *_ = (*more, None, None, None, None)
        text = io.TextIOWrapper(
            raw,
            keywords.get("encoding", encoding) or "utf-8",
            keywords.get("errors", errors),
            keywords.get("newline", newline),
        )
        self._texts.append(text)
        return text

    def _output_file(self, appending: bool) -> _Written:
        before = self.written() if appending else b""
        self._written = _Written()
        self._written.write(before)
        return self._written
