"""`r1 doctor`."""

from __future__ import annotations

import subprocess
import sys


def test_doctor_says_what_untrusted_programs_run_in() -> None:
    command = [sys.executable, "-m", "stages", "doctor"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    facts = dict(line.split(maxsplit=1) for line in shown.splitlines())
    assert facts["sandbox"].startswith(("bubblewrap", "namespaces", "landlock", "refused"))
    assert "cores" in facts["processor"]
