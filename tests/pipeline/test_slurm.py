"""Stages as jobs of a real Slurm of two nodes, brought up for these tests."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import Toy
from slurm_cluster import Cluster, absent

pytestmark = [
    pytest.mark.skipif(bool(absent()), reason=f"no Slurm: {', '.join(absent())} not installed"),
    pytest.mark.timeout(180),
]

SLURM = "launcher=slurm"
GANG = ("stages.left.processes=2", "launcher.job.nodes=2")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))  # sockets want short paths
    made = Cluster(folder)
    try:
        made.up()
        yield made
    finally:
        made.down()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def toy(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Toy]:
    for name in ("SLURM_CONF", "PATH"):
        monkeypatch.setenv(name, cluster.environment()[name])
    yield Toy(tmp_path)
    if jobs := cluster("squeue", "-h", "-o", "%i").split():
        cluster("scancel", *jobs)


def until(holds: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def jobs_of(toy: Toy) -> list[str]:
    """Every job that this run's store has submitted, by the batch logs' words in runs."""
    found = toy.runs.glob("2*/logs/*.slurm.log")
    return [path.name for path in found]


def at_step(toy: Toy, stage: str, step: int) -> bool:
    for file in (toy.store / ".work" / stage).glob("*/checkpoint.json"):
        return int(file.read_text()) >= step
    return False


def test_a_recipe_over_slurm_makes_the_files_that_it_makes_locally(
    toy: Toy, finished_once: Path
) -> None:
    said = toy("run", SLURM, *GANG)
    assert re.search(r"left: submitted as job \d+ \(2 nodes, 2 processes, 1 thread each\)", said)
    for stage in ("numbers", "left", "right", "both"):
        (ours,), (local,) = toy.manifests(stage), Toy(finished_once).manifests(stage)
        assert ours["fingerprint"] == local["fingerprint"]
        digests = [{n: f["sha256"] for n, f in m["files"].items()} for m in (ours, local)]
        for found in digests:
            found.pop("metrics.jsonl", None)  # has times
        assert digests[0] == digests[1]
    logs = toy.latest_run() / "logs"
    assert "rank 1 of 2" in (logs / "left.rank1.log").read_text()


def test_a_runner_that_is_killed_finds_its_job_again_and_submits_none_twice(
    toy: Toy, cluster: Cluster
) -> None:
    words = ("run", SLURM, "until=left", "stages.left.steps=40", "stages.left.delay=0.1")
    first = toy.start(*words)
    try:
        until(lambda: at_step(toy, "left", 2), "left did not begin")
        [running] = cluster("squeue", "-h", "-o", "%i").split()
    finally:
        first.kill()
        first.wait()
    said = toy(*words)
    assert f"left: goes on as job {running}" in said
    assert cluster("squeue", "-h", "-o", "%i", "--states=all", "-S", "-i").split()[0] == running
    [manifest] = toy.manifests("left")
    assert [a["outcome"] for a in manifest["attempts"]] == ["finished"]
    assert "starting at step 0" in (toy.latest_run() / "logs" / "left.log").read_text()


def test_a_submission_that_was_not_seen_to_answer_is_found_by_its_name(
    toy: Toy, cluster: Cluster
) -> None:
    words = ("run", SLURM, "until=numbers", "launcher.setup=[sleep 3]")
    first = toy.start(*words)
    try:
        until(lambda: cluster("squeue", "-h", "-t", "R", "-o", "%i"), "no job")
    finally:
        first.kill()
        first.wait()
    [record] = (toy.store / ".jobs").glob("numbers-*.json")
    told = json.loads(record.read_text())
    record.write_text(json.dumps(told | {"id": None}))
    assert f"numbers: goes on as job {told['id']}" in toy(*words)


def test_a_job_that_somebody_cancels_is_told_and_not_requeued(toy: Toy, cluster: Cluster) -> None:
    run = toy.start("run", SLURM, "until=left", "stages.left.delay=600")
    until(lambda: list(toy.store.glob(".work/left/*/attempts.json")), "left did not begin")
    [job] = cluster("squeue", "-h", "-o", "%i").split()
    cluster("scancel", job)
    said, _ = run.communicate(timeout=60)
    assert run.returncode == 1
    assert f"left: FAILED: job {job}: cancelled from outside (CANCELLED)" in said
    assert "Restarts=0" in cluster("scontrol", "show", "job", job)


def test_ctrl_c_cancels_the_jobs(toy: Toy, cluster: Cluster) -> None:
    run = toy.start("run", SLURM, "until=left", "stages.left.delay=600")
    until(lambda: list(toy.store.glob(".work/left/*/attempts.json")), "left did not begin")
    run.send_signal(signal.SIGINT)
    said, _ = run.communicate(timeout=60)
    assert run.returncode == 130, said
    until(lambda: not cluster("squeue", "-h", "-o", "%i"), "the job runs on")
    assert toy.states()["left"] == "resume"


def test_a_job_that_cannot_start_is_told_with_the_reason_of_squeue(
    toy: Toy, cluster: Cluster
) -> None:
    blocker = cluster("sbatch", "--parsable", "--nodes=2", "--exclusive", "--wrap=sleep 60",
                      "--output=/dev/null")  # fmt: skip
    until(lambda: cluster("squeue", "-h", "-t", "R", "-o", "%i"), "the nodes are not taken")
    run = toy.start("run", SLURM, "until=numbers")
    try:
        until(lambda: len(cluster("squeue", "-h", "-o", "%i").split()) == 2, "nothing submitted")
        until(lambda: "Resources" in toy.here("status"), "no reason")
        status = toy.here("status", "until=numbers")
        assert re.search(r"numbers .*\n +job \d+: PENDING \(Resources\)", status)
        [row] = json.loads(toy.here("status", "--json", "until=numbers"))["stages"]
        assert row["job"]["state"] == "PENDING"
        cluster("scancel", blocker)
        said, _ = run.communicate(timeout=60)
    finally:
        run.kill()
    assert "numbers: pending: Resources" in said
    assert run.returncode == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["launcher.job.partition=night"], "there is no partition `night`. sinfo lists: main, urg"),
        (["stages.left.processes=3", "launcher.job.gpus=null"],
         "left asks for 3 GPUs on each of 1 node(s), and no node of partition main has more than"),
        (["launcher.job.time='0:15'"], "leaves no time to work: a stage is asked to leave 10 s"),
        (["launcher.job.time='2-00'"], "is more than partition main allows (60 minutes)"),
        (["launcher.job.memory=9G"], "9216 MiB are asked for, and partition main has 4000 MiB"),
        (["+launcher.job.partitio=main"], "launcher.job.partitio: launcher=slurm has no such key."),
        (["+launcher.kinds.work.gpu=1"], "launcher.kinds.work.gpu: launcher=slurm has no such key"),
        (["launcher.job.nodes=2", "stages.left.processes=3"], "do not divide over 2 nodes"),
    ],
)  # fmt: skip
def test_what_the_cluster_does_not_have_is_refused_before_anything_is_submitted(
    toy: Toy, words: list[str], told: str
) -> None:
    assert told in toy.here("run", SLURM, *words, expect=2)
    assert not toy.runs.exists()


def test_without_slurm_its_commands_are_named(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert "launcher=slurm: sbatch, squeue, sinfo, scancel cannot be found" in toy.here(
        "run", SLURM, expect=2
    )


def test_secrets_come_from_a_file_that_nobody_else_can_read(toy: Toy) -> None:
    secret = toy.folder / "keys"
    secret.write_text("TOY_TOKEN=abc\n")
    secret.chmod(0o644)
    words = ("run", SLURM, f"launcher.environment_file={secret}", "until=numbers")
    assert f"chmod 600 {secret}" in toy.here(*words, expect=2)
    secret.chmod(0o600)
    toy(*words, "launcher.setup=[export BEFORE=1]")
    script = (toy.latest_run() / "jobs" / "numbers" / "batch.sh").read_text()
    assert "abc" not in script
    assert script.index("export BEFORE=1") < script.index(f". {secret}")


def test_a_preempted_stage_leaves_in_order_and_goes_on_from_its_checkpoint(
    toy: Toy, cluster: Cluster
) -> None:
    run = toy.start("run", SLURM, "until=left", "stages.left.steps=60", "stages.left.delay=0.1",
                    *GANG)  # fmt: skip
    until(lambda: at_step(toy, "left", 3), "left did not begin")
    cluster("sbatch", "-p", "urgent", "--nodes=2", "--exclusive", "--wrap=sleep 1",
            "--output=/dev/null")  # fmt: skip
    said, _ = run.communicate(timeout=120)
    assert run.returncode == 0, said
    [manifest] = toy.manifests("left")
    assert [a["outcome"] for a in manifest["attempts"]] == ["stopped", "finished"]
    assert manifest["facts"]["started_at"] >= 3
    curve = next((toy.store / "left").glob("*/metrics.jsonl")).read_text().splitlines()
    assert [json.loads(line)["step"] for line in curve] == list(range(1, 61))


def test_a_rank_on_another_node_that_fails_ends_the_gang_with_its_message(toy: Toy) -> None:
    trouble = ("stages.left.trouble.fail=true", "stages.left.trouble.rank=1")
    begun = time.monotonic()
    said = toy("run", SLURM, *GANG, *trouble, "stages.left.delay=600", "until=left", expect=1)
    assert "left: FAILED: rank 1 of 2: the numbers do not add up (log: " in said
    assert "left.rank1.log:" in said, "the end of that rank's log"
    assert time.monotonic() - begun < 60
    again = toy("run", SLURM, *GANG, "until=left")
    assert "left: submitted as job" in again


def test_a_gang_that_lost_a_node_goes_on_and_what_is_left_there_publishes_nothing(
    toy: Toy, cluster: Cluster
) -> None:
    """The leader on the second node is stopped, as if its machine had lost power."""
    run = toy.start("run", SLURM, "until=left", "stages.left.steps=80", "stages.left.delay=0.1",
                    "stages.left.trouble.lost_at=3", *GANG)  # fmt: skip
    said, _ = run.communicate(timeout=150)
    assert run.returncode == 0, said
    [manifest] = toy.manifests("left")
    assert [a["outcome"] for a in manifest["attempts"]] == ["killed", "finished"]


def test_other_versions_on_a_node_are_named(toy: Toy) -> None:
    fake = toy.folder / "python"
    fake.write_text(
        "#!/bin/bash\n"
        "sed -i 's/\"pydantic\": *\"[^\"]*\"/\"pydantic\": \"0.1\"/; s/\"python\": \"[^\"]*\"/"
        "\"python\": \"3.1.4\"/' \"$3/job.json\"\n"
        f'exec {shutil.which("python3", path=os.path.dirname(os.sys.executable))} "$@"\n'
    )
    fake.chmod(0o755)
    said = toy("run", SLURM, "until=numbers", f"launcher.python={fake}", expect=1)
    assert "has other versions than the runner: python" in said
    assert "(the runner has 3.1.4)" in said


def test_a_run_is_left_alone_attached_to_and_cancelled(toy: Toy, cluster: Cluster) -> None:
    said = toy("run", "--detach", SLURM, "until=left", "stages.left.delay=600")
    name = re.search(r"(\d{8}-\d{6}-\S+): runs by itself", said)
    assert name, said
    until(lambda: list(toy.store.glob(".work/left/*/attempts.json")), "left did not begin")
    attached = toy.start("attach")
    time.sleep(2)
    attached.send_signal(signal.SIGINT)
    followed, _ = attached.communicate(timeout=30)
    assert "left: submitted as job" in followed
    assert cluster("squeue", "-h", "-o", "%i"), "it runs on"
    assert f"{name[1]}: cancelled" in toy("cancel", name[1])
    until(lambda: not cluster("squeue", "-h", "-o", "%i"), "the job runs on")


def subprocess_is_used() -> None:
    subprocess.run(["true"], check=True)
