"""Stages as actors of a real Ray cluster of two nodes, brought up for these tests."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import Toy, at_step, until

from pipeline.launchers.ray.lacking import lacking

pytestmark = pytest.mark.timeout(600)
needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: `make ray`")

NODE = {"num_cpus": 2, "num_gpus": 1, "object_store_memory": 80_000_000}
#: A machine that is busy starts slowly, and is not lost for it.
PATIENCE = {
    "RAY_raylet_start_wait_time_s": "300",
    "RAY_agent_register_timeout_ms": "300000",
    "RAY_worker_register_timeout_seconds": "300",
    "RAY_health_check_timeout_ms": "100000",
}
GANG = ("stages.left.processes=2", "launcher.job.nodes=2")
LONG = ("until=left", "stages.left.steps=60", "stages.left.delay=0.1")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    kept = {name: os.environ.get(name) for name in PATIENCE}
    os.environ.update(PATIENCE)
    from ray.cluster_utils import Cluster

    small = {"object_store_memory": 80_000_000, "include_dashboard": False}
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **small})
    try:
        for _ in range(2):
            made.add_node(**NODE)
        yield made
    finally:
        made.shutdown()
        for name, value in kept.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@pytest.fixture
def words(cluster: Any) -> tuple[str, ...]:
    return ("run", "launcher=ray", f"launcher.address={cluster.address}")


def leaders(toy: Toy) -> list[psutil.Process]:
    """What the actors have started for a run of this folder."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if "pipeline.launchers.node" in line and str(toy.folder) in " ".join(line):
            found.append(process)
    return [one for one in found if one.parent() not in found]  # and not the stage below it


def gone(process: psutil.Process) -> bool:
    """Ended, whether anybody has asked how or not."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def node_of(cluster: Any, process: psutil.Process) -> Any:
    """The node whose raylet has started a process."""
    above = {parent.pid for parent in process.parents()}
    for node in cluster.worker_nodes:
        [raylet] = node.all_processes["raylet"]
        if raylet.process.pid in above:
            return node
    raise AssertionError(f"no raylet is above {process}")


@needs_ray
def test_a_recipe_over_ray_makes_the_files_that_it_makes_locally(
    toy: Toy, words: tuple[str, ...], finished_once: Path
) -> None:
    """One stage is a gang of two ranks, one on each node."""
    keys = toy.folder / "keys"
    keys.write_text(f"touch {toy.folder}/read\n")
    keys.chmod(0o600)
    said = toy(*words, *GANG, f"launcher.environment_file={keys}")
    assert (toy.folder / "read").exists()
    assert "left: waits for its place in the cluster (2 nodes, 2 processes, 1 thread each)" in said
    for stage in ("numbers", "left", "right", "both"):
        (ours,), (local,) = toy.manifests(stage), Toy(finished_once).manifests(stage)
        assert ours["fingerprint"] == local["fingerprint"]
        digests = [{n: f["sha256"] for n, f in m["files"].items()} for m in (ours, local)]
        for found in digests:
            found.pop("metrics.jsonl", None)  # has times
        assert digests[0] == digests[1]
    run = toy.latest_run()
    assert "rank 0 of 2 on 0" in (run / "logs" / "left.log").read_text(), "Ray's GPU of its node"
    assert "rank 1 of 2 on 0" in (run / "logs" / "left.rank1.log").read_text()
    assert (run / "jobs" / "left" / "start-0.node1.log").exists()
    assert not list((toy.store / ".jobs" / "ray").iterdir())


@needs_ray
def test_a_stage_that_lost_its_node_goes_on_elsewhere_and_its_orphan_publishes_nothing(
    toy: Toy, words: tuple[str, ...], cluster: Any
) -> None:
    """The stage's own process is held up while its node dies, and wakes when it has a successor.

    `launcher.starts` counts those in a row that got no further.
    """
    run = toy.start(*words, *LONG, "launcher.starts=1")
    until(lambda: at_step(toy, "left", 3), "left did not begin")
    [leader] = leaders(toy)
    [orphan] = leader.children()
    for process in (leader, orphan):
        process.suspend()
    cluster.remove_node(node_of(cluster, leader), allow_graceful=False)
    cluster.add_node(**NODE)
    until(lambda: at_step(toy, "left", 20), "nobody went on")
    for process in (leader, orphan):
        if not gone(process):
            process.resume()
    said, _ = run.communicate(timeout=300)
    assert run.returncode == 0, said
    assert re.search(r"left: (lost its|its leader).*; it is started again from what it kept", said)
    [manifest] = toy.manifests("left")
    assert [a["outcome"] for a in manifest["attempts"]] == ["killed", "finished"]
    assert manifest["facts"]["started_at"] >= 3
    assert manifest["facts"]["pid"] != orphan.pid
    until(lambda: gone(leader) and gone(orphan), "the orphan lives on")


@needs_ray
def test_a_stage_goes_on_without_its_node_of_engines(
    toy: Toy, words: tuple[str, ...], cluster: Any
) -> None:
    run = toy.start(*words, *LONG, "stages.left.engine_nodes=1")
    until(lambda: at_step(toy, "left", 3), "left did not begin")
    both = leaders(toy)
    [lends] = [one for one in both if one.cmdline()[one.cmdline().index("--number") + 1] == "1"]
    engines = lends.children()
    assert node_of(cluster, lends) is not node_of(cluster, *(one for one in both if one != lends))
    cluster.remove_node(node_of(cluster, lends), allow_graceful=False)
    said, _ = run.communicate(timeout=300)
    cluster.add_node(**NODE)
    assert run.returncode == 0, said
    assert "started again" not in said
    [manifest] = toy.manifests("left")
    assert [a["outcome"] for a in manifest["attempts"]] == ["finished"]
    until(lambda: all(gone(one) for one in (*both, *engines)), "something runs on")


@needs_ray
def test_a_stage_that_fails_for_its_own_reason_is_not_tried_again(
    toy: Toy, words: tuple[str, ...]
) -> None:
    trouble = ("stages.left.trouble.fail=true", "stages.left.trouble.rank=1")
    said = toy(*words, *GANG, *trouble, "stages.left.delay=600", "until=left", expect=1)
    assert "left: FAILED: rank 1 of 2: the numbers do not add up (log: " in said
    assert "started again" not in said
    assert not (toy.latest_run() / "jobs" / "left" / "start-1").exists()


@needs_ray
def test_what_a_stage_waits_for_is_said_with_what_the_cluster_lacks(
    toy: Toy, words: tuple[str, ...], cluster: Any
) -> None:
    run = toy.start(*words, "until=numbers", "+launcher.job.resources.gold=1")
    lacks = "1 node with CPU 1, gold 1 asked for; of 3 nodes there are 0 with gold 1"
    try:
        until(lambda: lacks in toy.here("status", "until=numbers"), "status does not say it")
        assert re.search(r"numbers .*\n +job \w+: WAITING \(waiting for res", toy.here("status"))
        gold = cluster.add_node(**NODE, resources={"gold": 1})
        said, _ = run.communicate(timeout=300)
    finally:
        run.kill()
    cluster.remove_node(gold)
    assert run.returncode == 0, said
    assert f"numbers: waiting for resources: {lacks}" in said


@needs_ray
def test_the_nodes_of_a_ray_cluster_are_looked_at_by_actors(
    toy: Toy, words: tuple[str, ...]
) -> None:
    look = ("doctor", "--cluster", "--json", *words[1:], *GANG, "+launcher.kinds.source.gpus=3")
    told = json.loads(toy(*look, expect=1))
    assert sorted(one["gpus"] for one in told["offers"]) == [0, 1, 1]
    [probe] = told["probes"]
    assert [one["reach"]["gloo"] for one in probe["nodes_seen"]] == [1.0, 1.0]
    found = {one["text"].partition(".")[0] for one in told["findings"]}
    lacks = "1 node with CPU 1, GPU 3 asked for; of 3 nodes there are 0 with GPU 3"
    assert found == {
        lacks,
        "1 GPU was asked for and none is seen (no nvidia-smi, or it shows none)",
    }


@needs_ray
def test_ctrl_c_leaves_no_actor(toy: Toy, words: tuple[str, ...]) -> None:
    run = toy.start(*words, *GANG, "until=left", "stages.left.delay=600")
    until(lambda: list(toy.store.glob(".work/left/*/attempts.json")), "left did not begin")
    begun = leaders(toy)
    actors = [one.parent() for one in begun]
    assert len(begun) == 2
    run.send_signal(signal.SIGINT)
    said, _ = run.communicate(timeout=120)
    assert run.returncode == 130, said
    until(lambda: all(gone(one) for one in (*begun, *actors)), "something runs on")
    assert toy.states()["left"] == "resume"


@needs_ray
def test_keys_that_ray_does_not_have_are_refused(toy: Toy) -> None:
    told = "launcher.kinds.work.gpu: launcher=ray has no such key."
    assert told in toy.here("run", "launcher=ray", "+launcher.kinds.work.gpu=1", expect=2)
    assert "launcher.job.nodes: found 0" in toy.here(
        "run", "launcher=ray", "launcher.job.nodes=0", expect=2
    )


def test_without_ray_it_is_said_how_to_get_it(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    said = toy.here("run", "launcher=ray", expect=2)
    assert "launcher=ray: Ray is not installed. `make ray` adds it" in said
    assert "pip install 'r1-recipe[ray]'" in said


@pytest.mark.parametrize(
    ("bundle", "count", "told"),
    [
        ({"CPU": 4.0}, 1, "1 node with CPU 4 asked for; of 2 nodes there are 0 with CPU 4"),
        ({"GPU": 1.0}, 2, "2 nodes with GPU 1 asked for; of 2 nodes there are 1 with GPU 1"),
        ({"CPU": 2.0, "GPU": 1.0}, 1,
         "1 node with CPU 2, GPU 1 asked for; of 2 nodes 0 have all of it"),
        ({"CPU": 2.0}, 1, "1 node with CPU 2 asked for; free in all: CPU 1 of 3"),
    ],
)  # fmt: skip
def test_what_is_lacking_is_named_by_resource(
    bundle: dict[str, float], count: int, told: str
) -> None:
    nodes = [{"CPU": 2.0}, {"CPU": 1.0, "GPU": 1.0}]
    assert lacking(bundle, count, nodes, {"CPU": 1.0, "GPU": 1.0}) == told
