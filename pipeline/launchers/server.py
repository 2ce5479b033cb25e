"""What the fork server imports first, and only it: it tidies up after a runner that was killed.

The runner keeps the server's socket in a temporary folder, which it removes when it ends. A runner
that is killed cannot; the server, which ends with it, can. There the server also says when it has
imported all that it was asked to (imported.py, which it imports last).
"""

from __future__ import annotations

import atexit
import os
import shutil
from pathlib import Path

#: The environment variable that names the folder to the server.
FOLDER = "R1_FORK_SERVER_FOLDER"
#: A file in it: the server has imported.
IMPORTED = "imported"


def _tidy(folder: str, server: int) -> None:
    if os.getpid() == server:  # and not one of its forks
        shutil.rmtree(folder, ignore_errors=True)


def tell() -> None:
    """Say that this server has imported; the runner may have ended, and its folder with it."""
    if folder and Path(folder).is_dir():
        (Path(folder) / IMPORTED).touch()


if folder := os.environ.pop(FOLDER, None):
    atexit.register(_tidy, folder, os.getpid())
