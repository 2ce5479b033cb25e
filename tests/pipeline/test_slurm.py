"""Stages as jobs of a real Slurm of two nodes, brought up for these tests."""

from __future__ import annotations

import json
import re
import signal
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from conftest import HERE, Toy, at_step, until
from toy_recipe.kinds import REGISTRY, SourceConfig, WorkConfig

from pipeline import state
from pipeline.errors import UsageError
from pipeline.graph import build
from pipeline.launchers.slurm.cluster import Partition
from pipeline.launchers.slurm.settings import seconds_of, settings_of
from pipeline.launchers.slurm.shapes import Shapes
from pipeline.launchers.slurm.submission import Submission, record
from pipeline.limits import ONE_AT_A_TIME
from tests.pipeline.slurm_cluster import Cluster

pytestmark = pytest.mark.timeout(180)

SLURM = "launcher=slurm"
GANG = ("stages.left.processes=2", "launcher.job.nodes=2")


@pytest.fixture
def toy(over_slurm: Toy) -> Toy:
    return over_slurm


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


def test_the_record_of_a_job_that_ended_without_its_runner_goes_with_the_next_run(
    finished: Toy,
) -> None:
    """The runner was killed, and the stage had finished before the command was given again."""
    [made] = finished.manifests("left")
    kept = Submission("left", made["fingerprint"], "r1-left-1", "/a/job", "/a/log", "7")
    file = record(finished.store, "left", made["fingerprint"])
    state.write(file, kept)
    assert "nothing to do" in finished.here("run")
    assert not file.exists()


def test_a_job_that_somebody_cancels_is_told_and_not_requeued(toy: Toy, cluster: Cluster) -> None:
    run = toy.start("run", SLURM, "until=left", "stages.left.delay=600")
    until(lambda: list(toy.store.glob(".work/left/*/attempts.json")), "left did not begin")
    [job] = cluster("squeue", "-h", "-o", "%i").split()
    cluster("scancel", job)
    said, _ = run.communicate(timeout=60)
    assert run.returncode == 1
    assert f"left: FAILED: job {job}: cancelled from outside (CANCELLED)" in said
    assert "Restarts=0" in cluster("scontrol", "show", "job", job)


def test_a_job_that_is_killed_for_memory_is_told_with_the_key_to_raise_and_not_requeued(
    toy: Toy,
) -> None:
    words = ("launcher.job.memory=300M", "stages.left.trouble.eat_mib=600")
    said = toy("run", SLURM, "until=left", "stages.left.delay=8", *words, expect=1)
    assert re.search(r"left: FAILED: job \d+: killed for memory: raise launcher.*memory\n", said)


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
        time.sleep(3)  # the runner looks more than twice
        cluster("scancel", blocker)
        said, _ = run.communicate(timeout=60)
    finally:
        run.kill()
    assert "numbers: pending: Resources" in said
    assert run.returncode == 0


def test_what_the_cluster_does_not_have_is_refused_before_anything_is_submitted(
    toy: Toy, cluster: Cluster
) -> None:
    said = toy.here("run", SLURM, "launcher.job.partition=night", expect=2)
    assert "there is no partition `night`. sinfo lists: main, urgent" in said
    said = toy.here("run", SLURM, "stages.left.processes=3", "launcher.job.gpus=null", expect=2)
    assert "left asks for 3 GPUs on each of 1 node(s), and no node of partition main has mo" in said
    said = toy.here("run", "stages.left.engine_nodes=1", expect=2)
    assert "engine_nodes: is 1, and launcher=local has no other nodes: set it to 0" in said
    assert not toy.runs.exists()


REFUSED = [
    ({"job": {"time": "0:15"}}, "leaves no time to work: a stage is asked to leave 10 s before"),
    ({"job": {"time": "2-00"}}, "2-00 is more than partition main allows (60 minutes)"),
    ({"job": {"time": 43200}}, "launcher.job.time: found 43200"),
    ({"job": {"memory": "9G"}}, "9216 MiB are asked for, and partition main has 4000 MiB"),
    ({"job": {"partitio": "x"}}, "launcher.job.partitio: launcher=slurm has no such key. Did you"),
    ({"kinds": {"work": {"gpu": 1}}}, "launcher.kinds.work.gpu: launcher=slurm has no such key"),
    ({"profiles": {"a": {"kind": {}}}}, "launcher.profiles.a.kind: launcher=slurm has no such key"),
    ({"job": {"nodes": 2}}, "left: its 3 processes do not divide over 2 nodes"),
    ({"engine_nodes": 2}, "3 are asked for (2 of them for engines), and partition main has 2 no"),
    ({"starts": 0}, "launcher.starts: found 0, expected 1 or more"),
]


@pytest.mark.parametrize(("changes", "told"), REFUSED, ids=[told[:30] for _, told in REFUSED])
def test_what_is_wrong_in_the_settings_is_told_with_its_key(
    changes: dict[str, Any], told: str
) -> None:
    settings = yaml.safe_load((HERE / "toy_recipe/conf/launcher/slurm.yaml").read_text())
    main = Partition("main", True, 3600, nodes=2, cpus=4, memory=4000, gpus=2)
    changes = dict(changes)
    engines = changes.pop("engine_nodes", 0)
    left = WorkConfig("work", data_from=["numbers"], add=1, processes=3, engine_nodes=engines)
    stages = {"numbers": SourceConfig("source", count=1), "left": left}
    stage = build(stages, REGISTRY).stages["left"]

    def check() -> None:
        shapes = Shapes(settings_of(settings | changes), "", ONE_AT_A_TIME, {"main": main})
        shapes.check(stage)

    with pytest.raises(UsageError, match=re.escape(told)):
        check()


def test_the_more_is_said_of_a_stage_the_more_it_counts() -> None:
    settings = yaml.safe_load((HERE / "toy_recipe/conf/launcher/slurm.yaml").read_text())
    settings |= {
        "job": {"memory": "1G", "partition": "main", "time": "10"},
        "kinds": {"work": {"memory": "2G"}},
        "stages": {"left": {"time": "20"}},
        "profiles": {"small": {"job": {"partition": "long"}, "kinds": {"work": {"gpus": 1}}}},
    }
    found = settings_of(settings).request("left@1", "work", "small")
    assert (found.memory, found.time, found.partition, found.gpus) == ("2G", "20", "long", 1)
    assert settings_of(settings).request("numbers", "source", "tiny").partition == "main"
    assert [seconds_of(t) for t in ("90", "1:30", "1:00:00", "2-12", "1-0:10", "INFINITE")] == [
        5400, 90, 3600, 216000, 87000, None,
    ]  # fmt: skip


def test_without_slurm_its_commands_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    toy = Toy(tmp_path)
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
    toy(*words, "launcher.setup=['export BEFORE=1']")
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
    assert "left: back in the queue: was asked to leave" in said
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


def test_a_stage_has_engines_on_another_node_goes_on_without_and_leaves_none(
    toy: Toy, cluster: Cluster
) -> None:
    words = ("until=left", "stages.left.engine_nodes=1", "stages.left.steps=40")
    run = toy.start("run", SLURM, *words, "stages.left.delay=0.1")
    until(lambda: at_step(toy, "left", 2), "left did not begin")
    assert cluster("squeue", "-h", "-o", "%D %N") == "2 n[1-2]"
    folder = toy.latest_run() / "jobs" / "left" / "start-0"
    [address] = json.loads((folder / "engines-1.json").read_text())["addresses"]
    engine = psutil.Process(int(address.rpartition(":")[2]))
    assert engine.environ()["SLURMD_NODENAME"] == "n2"
    engine.kill()
    said, _ = run.communicate(timeout=120)
    assert run.returncode == 0, said
    assert re.search(r"left: submitted as job \d+ \(1 engine node, 1 thread\)", said)
    [manifest] = toy.manifests("left")
    assert [a["outcome"] for a in manifest["attempts"]] == ["finished"]
    assert json.loads((folder / "engines-1.json").read_text())["trouble"], "it says why"
    until(lambda: not cluster("squeue", "-h", "-o", "%i"), "the job runs on")


def test_other_versions_on_a_node_are_named(toy: Toy) -> None:
    other = toy.folder / "python"  # as if the job had been written by another Python
    other.write_text(
        "#!/bin/bash\n"
        """sed -i 's/"python": "[^"]*"/"python": "3.1.4"/' "$3/job.json"\n"""
        f'exec {sys.executable} "$@"\n'
    )
    other.chmod(0o755)
    said = toy("run", SLURM, "until=numbers", f"launcher.python={other}", expect=1)
    assert "has other versions than the runner: python" in said
    assert "(the runner has 3.1.4)" in said


def test_a_node_that_does_not_see_the_folder_of_the_job_is_named(toy: Toy) -> None:
    """As if another disk were there: its files go before the stage starts."""
    gone = f"launcher.setup=['rm {toy.runs}/*/jobs/numbers/job.json']"
    said = toy("run", SLURM, "until=numbers", gone, expect=1)
    assert re.search(r"job \d+: its node n\d did not see /.*paths.store and paths.runs must", said)


def test_a_run_is_left_alone_attached_to_and_cancelled(toy: Toy, cluster: Cluster) -> None:
    said = toy("run", "--detach", SLURM, "until=left", "stages.left.delay=600")
    name = re.search(r"(\d{8}-\d{6}-\S+): runs by itself", said)
    assert name, said
    until(lambda: list(toy.store.glob(".work/left/*/attempts.json")), "left did not begin")
    attached = toy.start("attach")
    assert attached.stdout is not None
    until(lambda: "left: submitted as job" in attached.stdout.readline(), "nothing is shown")
    attached.send_signal(signal.SIGINT)
    attached.communicate(timeout=30)
    assert cluster("squeue", "-h", "-o", "%i"), "it runs on"
    assert f"{name[1]}: cancelled" in toy("cancel", name[1])
    until(lambda: not cluster("squeue", "-h", "-o", "%i"), "the job runs on")


def test_the_jobs_of_a_runner_that_is_gone_can_be_cancelled(toy: Toy, cluster: Cluster) -> None:
    run = toy.start("run", SLURM, "until=left", "stages.left.delay=600")
    until(lambda: list(toy.store.glob(".work/left/*/attempts.json")), "left did not begin")
    run.kill()
    run.wait()
    [job] = cluster("squeue", "-h", "-o", "%i").split()
    assert f"job {job} (left) is cancelled" in toy.here("cancel")
    until(lambda: not cluster("squeue", "-h", "-o", "%i"), "the job runs on")
    assert "does not run" in toy.here("cancel")
    assert not list((toy.store / ".jobs").glob("*.json"))
