"""What the fork server imports first, and only it: it tidies up after a runner that was killed.

The runner keeps the server's socket in a temporary folder, which it removes when it ends. A runner
that is killed cannot; the server, which ends with it, can.
"""

from __future__ import annotations

import atexit
import os
import shutil

#: The environment variable that names the folder to the server.
FOLDER = "R1_FORK_SERVER_FOLDER"


def _tidy(folder: str, server: int) -> None:
    if os.getpid() == server:  # and not one of its forks
        shutil.rmtree(folder, ignore_errors=True)


if folder := os.environ.pop(FOLDER, None):
    atexit.register(_tidy, folder, os.getpid())
