"""A stage of a recipe that reads a data set of the hub, by `r1 run`."""

from __future__ import annotations

import json
import subprocess
import sys

ROWS = "".join(
    json.dumps({"problem": f"What is {n} + {n}?", "answer": str(2 * n)}) + "\n" for n in range(1, 9)
).encode()


def test_a_run_keeps_the_commit_and_a_second_one_asks_nobody(hub, hub_environment, tmp_path):
    repo = hub.put("org/run", {"train.jsonl": ROWS})
    words = ["+data@stages.sums=acereason_math", "stages.sums.path=org/run", "until=sums"]

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "stages", "run", *words, "tracking=none", *more],
            env=hub_environment | {"R1_ROOT": str(tmp_path)}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip

    done = run("stages.sums.about.rows=8")
    assert done.returncode == 0, done.stderr
    (path,) = (tmp_path / "store/sums").glob("*/manifest.json")
    facts = json.loads(path.read_text())["facts"]
    assert (facts["rows"], facts["revision"]) == (8, repo.at("main"))
    hub.asked.clear()
    assert run("stages.sums.about.rows=80").returncode == 0  # what is known of a set is no setting
    assert hub.asked == []
    gone = run("stages.sums.revision=" + "d" * 40, "stages.sums.hub.pause=0")
    assert gone.returncode == 1
    assert "stages.sums.path=org/run: its revision" in gone.stderr + gone.stdout
    assert "Traceback" not in gone.stderr + gone.stdout
