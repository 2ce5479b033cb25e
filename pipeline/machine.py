"""Which machine this is, and which of its processes one is, as others are told."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path


def name() -> str:
    """Host and pid namespace: two containers may share a name but not their pids."""
    try:
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        namespace = ""
    return f"{socket.gethostname()}/{namespace}"


def started(pid: int) -> str:
    """When a process started; empty for one that is gone.

    On Linux in clock ticks since boot: psutil gives the time of day, which moves when the clock is
    set, and a holder that lives would seem another.
    """
    if sys.platform == "linux":
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] in "ZX" else fields[19]
    import psutil

    try:
        process = psutil.Process(pid)
        gone = process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
        return "" if gone else str(process.create_time())
    except psutil.Error:
        return ""
