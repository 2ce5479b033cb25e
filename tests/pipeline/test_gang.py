"""A stage of several processes: one result, one failure, one end; and who gets which device."""

from __future__ import annotations

import json
import multiprocessing
import signal
import time
from pathlib import Path

import psutil
import pytest
from conftest import Toy

from pipeline.devices import Place, place
from pipeline.kinds import Needs, Outputs
from pipeline.launchers import gang
from pipeline.launchers.peers import Rank

TWO = "stages.left.processes=2"


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if psutil.pid_exists(pid)]


def ranks_under(process: int) -> list[int]:
    """All processes below one."""
    return [child.pid for child in psutil.Process(process).children(recursive=True)]


def test_two_ranks_make_the_result_of_one_and_each_has_its_log(
    toy: Toy, finished_once: Path
) -> None:
    # slow steps, so that no rank finds the checkpoint of another
    assert "left: started (2 processes, " in toy("run", TWO, "stages.left.delay=0.5")
    (gang,), (alone,) = toy.manifests("left"), Toy(finished_once).manifests("left")
    assert gang["fingerprint"] == alone["fingerprint"]
    assert gang["files"]["numbers.json"] == alone["files"]["numbers.json"]
    assert gang["attempts"][0]["processes"] == 2
    assert gang["cost"]["counts"] == {"steps": 4}  # of both
    assert alone["cost"]["counts"] == {"steps": 2}
    assert {"start", "adding", "other"} == set(gang["cost"]["phases"])
    curve = next((toy.store / "left").glob("*/metrics.jsonl")).read_text()
    assert [json.loads(line)["step"] for line in curve.splitlines()] == [1, 2]
    logs = toy.latest_run() / "logs"
    assert "rank 0 of 2" in (logs / "left.log").read_text()
    assert "rank 1 of 2" in (logs / "left.rank1.log").read_text()


@pytest.mark.timeout(300)
def test_a_rank_that_fails_ends_the_gang_and_its_message_is_the_stages(toy: Toy) -> None:
    trouble = ("stages.left.trouble.fail=true", "stages.left.trouble.rank=1")
    output = toy("run", TWO, "stages.left.delay=600", *trouble, "until=left", expect=1)
    assert "left: FAILED (exit code 1): rank 1 of 2: the numbers do not add up (log: " in output
    assert "left.rank1.log:" in output, "the end of that rank's log"
    assert "left.log:" not in output


def test_a_rank_that_is_killed_ends_the_gang_and_a_resume_finishes_it(toy: Toy) -> None:
    trouble = ("stages.left.trouble.kill_at=1", "stages.left.trouble.rank=1")
    output = toy("run", TWO, *trouble, "stages.left.delay=0.2", "until=left", expect=1)
    assert "rank 1 of 2: its process was ended by SIGKILL; the system may have run out" in output
    again = toy("run", TWO, "until=left")
    assert "left: started again from its work directory (2 processes" in again
    assert "1 of 1" in again or "2 of 2" in again


def test_a_resume_with_other_threads_than_before_says_so(toy: Toy) -> None:
    toy("run", "stages.left.trouble.kill_at=1", "launcher.threads=1", "until=left", expect=1)
    output = toy("run", "launcher.threads=2", "until=left")
    assert "left: goes on with 1 process of 2 threads; its last attempt had 1 of 1" in output


@pytest.mark.timeout(60)
def test_ranks_that_end_before_anyone_waits_for_them_are_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = gang._Member.alive

    def body(rank: Rank) -> Outputs:
        time.sleep(0.5)
        return Outputs(facts={"ranks": rank.of})

    def then_all_end(member: gang._Member) -> bool:
        alive = seen(member)
        for process in multiprocessing.active_children():
            if process.name.startswith("rank"):  # another test's may live on
                process.join()
        return alive

    monkeypatch.setattr(gang._Member, "alive", then_all_end)
    outputs = gang.run(2, tmp_path / "log", tmp_path, body, str)
    assert outputs.facts == {"ranks": 2}


def test_ctrl_c_ends_every_rank(toy: Toy) -> None:
    process = toy.start("run", TWO, "stages.left.delay=30", "until=left")
    try:
        deadline = time.monotonic() + 120
        while not list(toy.runs.glob("2*/logs/left.rank1.log")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        held = next((toy.store / ".leases").glob("left-*.json"))
        leader = json.loads(held.read_text())["pid"]
        pids = [leader, *ranks_under(leader)]
        assert len(pids) == 3
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, output
    assert alive(pids) == []
    assert toy.states()["left"] == "resume"


def test_stages_side_by_side_have_devices_of_their_own(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6")
    toy("run", TWO, "stages.left.delay=0.3", "stages.right.delay=0.3")
    logs = toy.latest_run() / "logs"
    seen = [(logs / f"{stage}.log").read_text().split(" on ")[1] for stage in ("left", "right")]
    devices = [set(text.strip().split(",")) for text in seen]
    assert [len(found) for found in devices] == [2, 1]
    assert devices[0] | devices[1] == {"4", "5", "6"}
    too_many = toy("run", "stages.left.processes=4", "seed=9", expect=2)
    assert "more GPUs are asked for than the 3 that the launcher may use: left (1 more)" in too_many


def test_a_share_of_the_machine_is_whole_engines_and_a_divisor_of_the_batch() -> None:
    eight = [str(number) for number in range(8)]
    everything = Needs(processes=None, devices=None)
    assert place(everything, eight, 8, at_once=1) == Place(8, tuple(eight))
    assert place(everything, eight, 8, at_once=2) == Place(4, ("0", "1", "2", "3"))
    assert place(everything, eight[6:], 8, at_once=2) == Place(2, ("6", "7"))
    assert place(everything, [], 8, at_once=2) is None
    by_twelve = Needs(processes=None, devices=None, divides=12)
    assert place(by_twelve, eight, 8, at_once=1) == Place(6, tuple(eight[:6]))
    pairs = Needs(processes=1, devices=None, each=2)
    assert place(pairs, eight[:5], 8, at_once=1) == Place(1, ("0", "1", "2", "3"))
    assert place(pairs, eight[:1], 8, at_once=1) is None
    assert place(Needs(), eight, 8, at_once=1) == Place(1, ())
    assert place(Needs(processes=2, devices=2), [], 0, at_once=1) == Place(2, None)
