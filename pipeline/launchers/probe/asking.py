"""The login node's side of a probe: a folder in the store, where nodes ask and are answered."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline import state
from pipeline.launchers.probe.node import PRINTED

Report = dict[str, Any]
_PING = re.compile(r"ping-(\d+)-(\d+)")


class Asking:
    """One party of nodes, asked by files of a folder.

    paths: what nodes must see, by the key that says where it is. reach: a module that tries the
    collectives (Project.reach).
    """

    def __init__(self, store: Path, paths: Mapping[str, str], reach: str | None) -> None:
        self.folder = store.absolute() / ".doctor" / f"{time.strftime('%H%M%S')}-{_token()}"
        self.folder.mkdir(parents=True)
        self._answered: set[str] = set()
        self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT)
        with contextlib.suppress(OSError):  # a disk without locks
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        state.write(self.folder / "request.json", {"paths": dict(paths), "reach": reach})

    def answer(self) -> None:
        """Answer every file of a node that was not seen before. Clocks are read at both ends."""
        for name in os.listdir(self.folder):
            found = _PING.fullmatch(name)
            if found is None or name in self._answered:
                continue
            seen = time.time()
            self._answered.add(name)
            answer = {"seen": seen, "wrote": time.time()}
            state.write(self.folder / f"pong-{found[1]}-{found[2]}", answer)

    def reports(self, printed: str) -> dict[int, Report]:
        """What the nodes say, by number; `printed` has those that could not write it here."""
        found: dict[int, Report] = {}
        texts = re.findall(f"{PRINTED}({{.*}})", printed)
        texts += [file.read_text() for file in sorted(self.folder.glob("node-*.json"))]
        for text in texts:
            with contextlib.suppress(ValueError):  # lines of two nodes in one another
                report = json.loads(text)
                if not found.get(report["number"], {}).get("done"):
                    found[report["number"]] = report
        return dict(sorted(found.items()))

    def close(self, keep: bool) -> None:
        """Let go of the folder, and remove it unless somebody may want to read it."""
        os.close(self._lock)
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)


def _token() -> str:
    return uuid.uuid4().hex[:6]
