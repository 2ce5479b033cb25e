"""`r1 doctor --cluster` on a real Slurm of two nodes, two nodes that differ, and one that hangs."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Toy, until

from pipeline.launchers import team
from pipeline.launchers.probe.examined import Party
from pipeline.launchers.probe.findings import findings
from pipeline.launchers.slurm.advice import advised, may_be_taken_later
from pipeline.launchers.standstill import Standstill
from pipeline.manifest import versions
from tests.pipeline.slurm_cluster import Cluster

pytestmark = pytest.mark.timeout(180)

LOOK = ("doctor", "--cluster", "launcher=slurm")
GANG = ("stages.left.processes=2", "launcher.job.nodes=2")


def test_two_healthy_nodes_are_looked_at_and_nothing_is_left_of_it(
    over_slurm: Toy, cluster: Cluster
) -> None:
    told = json.loads(over_slurm.here(*LOOK, *GANG, "--json"))
    assert [one["name"] for one in told["offers"]] == ["main*", "urgent"]
    asked = {one["stage"]: one for one in told["asked"]}
    assert asked["left"]["nodes"] == 2
    assert not any(one["refused"] for one in asked.values())
    [probe] = told["probes"]
    nodes = probe["nodes_seen"]
    assert [one["name"] for one in nodes] == ["n1", "n2"]
    for one in nodes:
        low, high = one["skew"]  # on one machine there is none
        assert low <= 0.0 <= high
        assert one["versions"] == versions()
        assert one["lock"] == "reaches"
        assert one["reach"]["gloo"] == 1.0
    assert told["findings"] == []
    assert list((over_slurm.store / ".doctor").iterdir()) == []
    assert cluster("squeue", "-h", "-o", "%i") == ""


#: Node 0 has another Python and a clock 90 s ahead; node 1 another disk where the store is.
OTHERS = """\
#!/bin/bash
if [ "$SLURM_NODEID" = 1 ]; then
  exec unshare -m bash -c 'mount -t tmpfs none "$0" && exec "$@"' {store} {python} "$@"
fi
exec {python} -c '
import sys, time, platform
from pipeline.launchers.probe import node
node.CONNECTS, clock = 1.0, time.time
time.time = lambda: clock() + 90
platform.python_version = lambda: "3.1.4"
sys.argv[1:] = sys.argv[3:]
sys.exit(node.main())' "$@"
"""


def test_another_python_clock_and_disk_on_a_node_are_each_named_with_what_to_do(
    over_slurm: Toy,
) -> None:
    if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        pytest.skip("this user may not mount")
    python = over_slurm.folder / "python"
    python.write_text(OTHERS.format(store=over_slurm.store, python=sys.executable))
    python.chmod(0o755)
    keys = over_slurm.folder / "keys"
    keys.write_text("TOKEN=hush no-such-command\n")
    keys.chmod(0o600)
    words = (f"launcher.python={python}", "launcher.setup=['cp no-such-file .']", *GANG)
    said = over_slurm.here(*LOOK, *words, f"launcher.environment_file={keys}", expect=1)
    said = " ".join(said.split())
    assert "wrong: n2: does not see the store: paths.store must be on a disk that all nodes" in said
    assert "wrong: n1: has other versions than this machine: python 3.1.4 (here 3." in said
    assert "or set launcher.python" in said
    assert "note: n1: its clock is 90 s ahead" in said
    assert "before the stage this failed: cp no-such-file .. See launcher.modules, launcher" in said
    assert f"this failed: . {keys}. See" in said
    [log] = over_slurm.store.glob(".doctor/*/log")
    assert "hush" not in said + log.read_text(), "a line of the file with the keys"


def test_what_stages_cannot_have_is_told_before_a_probe(over_slurm: Toy, cluster: Cluster) -> None:
    cluster("scontrol", "update", "PartitionName=urgent", "State=DOWN")
    try:
        said = over_slurm.here(
            *LOOK, "+launcher.kinds.work.gpus=4", "launcher.job.partition=urgent", expect=1
        )
    finally:
        cluster("scontrol", "update", "PartitionName=urgent", "State=UP")
    assert re.search(r"left, right +urgent +– +– +– .* does not fit", said)
    said = " ".join(said.split())
    assert "wrong: left, right: launcher.job.gpus: 4 are asked for, and partition urgent" in said
    assert "wrong: numbers, both: partition urgent is down" in said
    assert "probe:" not in said


def test_a_probe_that_finds_a_full_queue_says_the_reason_of_squeue_and_is_cancelled(
    over_slurm: Toy, cluster: Cluster
) -> None:
    cluster("sbatch", "--nodes=2", "--exclusive", "--wrap=sleep 60", "--output=/dev/null")
    until(lambda: cluster("squeue", "-h", "-t", "R", "-o", "%i"), "the nodes are not taken")
    said = over_slurm.here(*LOOK, "--wait", "0.03", "until=numbers", expect=1)
    assert "did not begin within 0.03 minutes: pending: Resources" in " ".join(said.split())
    assert len(cluster("squeue", "-h", "-o", "%i").split()) == 1


BEATING = """\
import sys, time
from pathlib import Path
heart = Path(sys.argv[1]) / "leader-0"
heart.parent.mkdir()
while True:
    heart.touch()
    time.sleep(0.1)
"""


def test_a_leader_that_is_stopped_stands_still_until_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(team, "SILENT", 0.5)
    standstill = Standstill(tmp_path)
    assert standstill.seconds() == 0.0, "it has not begun"
    leader = subprocess.Popen([sys.executable, "-c", BEATING, str(tmp_path / "start-0")])
    try:
        until(lambda: (tmp_path / "start-0" / "leader-0").exists(), "no heart")
        leader.send_signal(signal.SIGSTOP)
        until(standstill.seconds, "nobody sees it")
        leader.send_signal(signal.SIGCONT)
        until(lambda: standstill.seconds() == 0.0, "it beats again")
    finally:
        leader.kill()
        leader.wait()


HEALTHY: dict[str, Any] = {
    "number": 0,
    "of": 2,
    "name": "n1",
    "host": "n1",
    "executable": "/shared/.venv/bin/python",
    "python": "3.12.1",
    "versions": {"python": "3.12.1"},
    "cpus": 8,
    "memory_mib": 64000,
    "gpus": ["NVIDIA H100, 81559 MiB"],
    "seen": {"paths.runs": True},
    "free_bytes": 2**40,
    "lock": "reaches",
    "skew": [-0.1, 0.1],
    "there_and_back": 0.2,
    "tcp": "",
    "reach": {"torch": "2.13.0", "torch_gpus": 1, "gloo": 1.2, "nccl": 40.0},
    "done": True,
}
TOLD = [
    ({}, None),
    ({"gpus": []}, "1 GPU was asked for and none is seen"),
    ({"gpus": "driver mismatch"}, "nvidia-smi fails: driver mismatch. Leave the node out"),
    ({"broken": "ImportError: pydantic"}, "(/shared/.venv/bin/python 3.12.1) lacks what stages"),
    ({"seen": {"paths.runs": False}}, "does not see paths.runs: it must be on a disk"),
    ({"unanswered": True}, "is not seen here within a minute"),
    ({"free_bytes": 2**29}, "the store has 0.5 GiB free: make room, or set paths.store"),
    ({"there_and_back": 45.0}, "a file takes 45 s there and back"),
    ({"skew": [-31.0, -11.0]}, "its clock is 21 s behind"),
    ({"skew": [-31.0, -1.0]}, None),  # it may be less than 10 s
    ({"tcp": "n0:4711: timed out"}, "cannot reach the first node: n0:4711: timed out"),
    ({"reach": {"torch": "2", "torch_gpus": 1, "error": "timed out"}}, "export GLOO_SOCKET_IFNAME"),
    (
        {"reach": {"torch": "2", "torch_gpus": 1, "gloo": 1.0, "error": "no route"}},
        "NCCL: no route. Name the network that nodes share in launcher.setup: export NCCL_SOCKET",
    ),
    (
        {"reach": {"torch": "2.13.0+cpu", "torch_gpus": 0, "gloo": 1.0}},
        "torch 2.13.0+cpu sees none of its GPUs: install the build for CUDA",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "told"), TOLD, ids=[str(told)[:30] for _, told in TOLD])
def test_each_thing_that_can_be_wrong_with_a_node_is_told(
    changes: dict[str, Any], told: str | None
) -> None:
    party = Party("partition gpu", nodes=2, gpus=1, gangs=True)
    reports = {0: HEALTHY, 1: HEALTHY | {"number": 1, "name": "n2"} | changes}
    found = list(findings(party, reports, "", {"python": "3.12.1"}))
    assert [one.where for one in found] == (["n2"] if told else [])
    assert all(told in one.text for one in found if told)


def test_a_node_that_did_not_begin_is_told_with_what_was_printed() -> None:
    party = Party("partition gpu", nodes=2, gpus=0, gangs=False)
    printed = "R1-DOCTOR {}\nexecve: /shared/.venv/bin/python: No such file or directory\n"
    [found] = findings(party, {0: HEALTHY}, printed, {"python": "3.12.1"})
    assert "1 of 2 nodes began. execve: /shared/.venv/bin/python: No such file" in found.text
    assert "launcher.python" in found.text


def test_slurms_words_stand_with_the_key_that_changes_them() -> None:
    both = "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)"
    for words, key in (
        (both, "launcher.max_parallel"),
        ("Invalid account or account/partition combination specified", "launcher.job.account"),
        ("pending: QOSMaxNodePerJobLimit", "launcher.job.qos"),
        ("pending: PartitionTimeLimit", "launcher.job.time"),
        ("User's group not permitted to use this partition", "launcher.job.partition"),
        ("Requested node configuration is not available", "gpus, cpus or memory"),
    ):
        assert key in advised(words)
    assert advised("pending: Resources") == "pending: Resources"
    assert may_be_taken_later(both, others=True)
    assert not may_be_taken_later(both, others=False), "it is too large by itself"
    assert may_be_taken_later("Slurm temporarily unable to accept job", others=False)
