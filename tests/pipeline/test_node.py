"""A job run from its file, as a scheduler starts it: more than once, and on several machines.

Its processes are real and on this machine; one that is lost is one whose processes are stopped.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import PYTHONPATH
from toy_recipe.kinds import REGISTRY, SourceConfig, WorkConfig

from pipeline import machine
from pipeline.engine_nodes import INVITATION
from pipeline.graph import build
from pipeline.launchers import files
from pipeline.launchers.job import Job, Outcome
from pipeline.launchers.node import INTERRUPTED, STARTS
from pipeline.lease import holder
from pipeline.plan import wanted
from pipeline.state import plain
from pipeline.store import Store

#: A machine is given up sooner than it would be.
NODE = (
    "import sys\n"
    "from pipeline.launchers import team, node\n"
    "team.SILENT, team.ANSWERS = 3.0, 3.0\n"
    "sys.exit(node.main())\n"
)
STEPS = 30


class Started:
    """`python -m pipeline.launchers.node`, and all processes below it."""

    def __init__(self, job: Job, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", NODE, str(job.folder), "--job", "7", *words],
            env={**os.environ, "PYTHONPATH": PYTHONPATH},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def all(self) -> list[psutil.Process]:
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]

    def tell(self, number: signal.Signals) -> None:
        for process in self.all():
            process.send_signal(number)

    def end(self) -> int:
        said, _ = self.process.communicate(timeout=60)
        print(said)  # shown where a test fails
        return self.process.returncode


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return job_of(tmp_path)


@pytest.fixture
def start() -> Iterator[Callable[..., Started]]:
    started: list[Started] = []

    def begin(job: Job, *words: str) -> Started:
        started.append(Started(job, *words))
        return started[-1]

    yield begin
    for one in started:
        if one.process.poll() is None:
            for process in one.all():
                process.kill()
        one.process.communicate(timeout=30)


def job_of(folder: Path, nodes: int = 1, engine_nodes: int = 0, **changes: Any) -> Job:
    """The toy's stage `left`, with its input made, as a runner writes it."""
    own = WorkConfig(*("work", None, ["numbers"]), seed=0, add=1, steps=STEPS, delay=0.1, **changes)
    stages = {"numbers": SourceConfig("source", seed=0, count=4), "left": own}
    graph, store = build(stages, REGISTRY), Store(folder / "store")
    results = wanted(graph, store.digests)
    made = {"format": 1, "stage": "numbers", "type": "numbers", "facts": {}, "created": "",
            "identity": results["numbers"].identity,
            "fingerprint": results["numbers"].fingerprint}  # fmt: skip
    output = folder / "made"
    output.mkdir()
    (output / "numbers.json").write_text("[0, 1, 2, 3]")
    store.publish(output, made)
    job = Job(
        *("left", REGISTRY["work"], own, plain(own), results["left"], "toy_recipe.kinds:REGISTRY"),
        *(store.root, folder / "left.log", folder / "job", 1),
        processes=nodes,
        nodes=nodes,
        engine_nodes=engine_nodes,
    )
    files.write(job)
    return job


def work(job: Job) -> Path:
    return Store(job.store).work(job.stage, job.wanted.fingerprint)


def until_step(job: Job, step: int) -> None:
    def there() -> bool:
        file = work(job) / "checkpoint.json"
        return file.exists() and int(file.read_text()) >= step

    until(there, f"step {step} was not reached")


def until(holds: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def begun_before(job: Job, times: int) -> bool:
    return job.log.exists() and job.log.read_text().count("starting at step") > times


def manifest(job: Job) -> dict[str, Any]:
    path = Store(job.store).path(job.stage, job.wanted.fingerprint) / "manifest.json"
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_a_job_is_rebuilt_from_its_file_as_it_was(job: Job) -> None:
    assert files.read(job.folder) == job


def test_a_job_whose_config_comes_to_something_else_here_is_refused(job: Job) -> None:
    file = job.folder / files.JOB
    said = json.loads(file.read_text())
    said["config"]["add"] = 2
    file.write_text(json.dumps(said))
    with pytest.raises(Exception, match="so the code there differs"):
        files.read(job.folder)


def test_the_first_outcome_stays(tmp_path: Path) -> None:
    files.write_outcome(tmp_path, Outcome("failed", "one"))
    files.write_outcome(tmp_path, Outcome("finished"))
    assert files.outcome(tmp_path) == Outcome("failed", "one")
    assert [path.name for path in tmp_path.iterdir()] == ["outcome.json"]


def test_an_interrupted_job_has_no_outcome_and_its_next_start_goes_on(
    job: Job, start: Callable[..., Started]
) -> None:
    first = start(job)
    until_step(job, 2)
    first.process.send_signal(signal.SIGUSR2)
    assert first.end() == INTERRUPTED
    assert files.outcome(job.folder) is None
    assert start(job, "--start", "1").end() == 0
    assert files.outcome(job.folder) == Outcome("finished")
    assert manifest(job)["facts"]["started_at"] >= 2
    assert [a["outcome"] for a in manifest(job)["attempts"]] == ["stopped", "finished"]


def test_starts_are_counted_that_got_no_further(job: Job, start: Callable[..., Started]) -> None:
    """The scheduler's script counts them up; a start that gets further sets the count back."""
    count = job.folder / STARTS
    for number in (0, 1):
        begun = start(job, "--start", str(number))
        until(partial(begun_before, job, number), "it did not begin")
        until_step(job, 2 * number + 2)
        count.write_text("2\n")
        begun.process.send_signal(signal.SIGTERM)
        assert begun.end() == INTERRUPTED
        assert count.read_text() == "0\n"
    begun = start(job, "--start", "2")
    until(partial(begun_before, job, 2), "it did not begin")
    count.write_text("2\n")
    (job.folder / "furthest.json").write_text('{"done": 29.0, "total": 30.0, "unit": "step"}')
    until_step(job, 26)
    begun.process.send_signal(signal.SIGTERM)
    assert begun.end() == INTERRUPTED
    assert count.read_text() == "2\n"


def test_starts_that_could_not_say_that_they_got_further_count_as_such(
    job: Job, start: Callable[..., Started]
) -> None:
    """Each loses its machine at once, with all processes; the scheduler's script counts it."""
    count = job.folder / STARTS
    for number in (0, 1):
        count.write_text(f"{number + 3}\n")
        begun = start(job, "--start", str(number))
        until(partial(begun_before, job, number), "it did not begin")
        assert count.read_text() == "1\n"
        until_step(job, 4 * number + 4)
        begun.tell(signal.SIGKILL)
        begun.end()


@pytest.mark.parametrize("killed", ["scheduler", "leader"])
def test_a_stage_that_ends_with_its_scheduler_is_not_waited_for_on_another_machine(
    job: Job, monkeypatch: pytest.MonkeyPatch, killed: str
) -> None:
    """Either its leader lives on for a moment, and knows that the stage has died; or it itself."""
    path = Store(job.store).lease("left", job.wanted.fingerprint)
    words = [sys.executable, "-c", NODE, str(job.folder)]
    environment = {**os.environ, "PYTHONPATH": PYTHONPATH}
    scheduler = subprocess.Popen(["bash", "-c", '"$@"; true', "bash", *words], env=environment)
    until_step(job, 2)
    monkeypatch.setattr(machine, "name", lambda: "elsewhere/1")
    assert holder(path) is not None
    [leader] = psutil.Process(scheduler.pid).children()
    (leader if killed == "leader" else scheduler).kill()
    scheduler.wait()
    until(lambda: holder(path) is None, "its lease has to expire")


@pytest.mark.parametrize("late", [False, True], ids=["while", "after"])
def test_what_a_lost_machine_goes_on_with_changes_nothing(
    job: Job, start: Callable[..., Started], late: bool
) -> None:
    """It is stopped with its lease, its successor goes on, and then it wakes up."""
    orphan = start(job)
    until_step(job, 2)
    orphan.tell(signal.SIGSTOP)
    after = start(job, "--start", "1")
    until_step(job, 8)
    if late:
        assert after.end() == 0
    orphan.tell(signal.SIGCONT)
    assert orphan.end() == INTERRUPTED
    assert late or after.end() == 0, "its successor was not disturbed"
    assert files.outcome(job.folder) == Outcome("finished")
    assert holder(Store(job.store).lease("left", job.wanted.fingerprint)) is None
    whole = manifest(job)
    assert [a["outcome"] for a in whole["attempts"]] == ["killed", "finished"]
    curve = Store(job.store).path("left", job.wanted.fingerprint) / "metrics.jsonl"
    steps = [json.loads(line)["step"] for line in curve.read_text().splitlines()]
    assert steps == list(range(1, STEPS + 1)), "no point of the orphan's"


def test_an_orphan_at_the_very_moment_of_publishing_has_nothing_to_publish(
    tmp_path: Path,
) -> None:
    """It has passed its last fence; then its successor begins, and it goes on."""
    from pipeline.launchers.attempt import new_output

    store = Store(tmp_path / "store")
    work = store.begin("left", "f" * 16)
    mine = new_output(work, "aaaaaaaa-first")
    (mine / "numbers.json").write_text("[1]")

    def successor_begins() -> None:
        (new_output(work, "bbbbbbbb-second") / "half").write_text("[")

    told = {"stage": "left", "type": "numbers", "fingerprint": "f" * 16, "created": "", "facts": {},
            "identity": {}}  # fmt: skip
    with pytest.raises(OSError, match="No such file"):
        store.publish(mine, told, successor_begins)
    assert store.find("left", "f" * 16) is None
    assert [path.name for path in work.glob("output*")] == ["output-bbbbbbbb"]


def test_a_gang_that_loses_a_machine_says_so_and_goes_on_elsewhere(
    tmp_path: Path, start: Callable[..., Started]
) -> None:
    job = job_of(tmp_path, nodes=2)
    first, second = start(job), start(job, "--number", "1")
    until_step(job, 3)
    second.tell(signal.SIGSTOP)
    assert first.end() == INTERRUPTED
    assert files.outcome(job.folder) is None, "a lost machine is no failure of the stage"
    again = [start(job, "--start", "1", "--number", str(number)) for number in (0, 1)]
    until_step(job, 6)
    second.tell(signal.SIGCONT)
    assert second.end() != 0
    assert [one.end() for one in again] == [0, 0]
    assert manifest(job)["facts"]["started_at"] >= 3
    assert [a["outcome"] for a in manifest(job)["attempts"]] == ["killed", "finished"]


def engines_of(job: Job) -> list[psutil.Process]:
    """What the stage was told last of the engines of other nodes: the toy's say their process."""
    told = [line for line in job.log.read_text().splitlines() if line.startswith("engines:")]
    return [psutil.Process(int(address.rpartition(":")[2])) for address in told[-1].split()[1:]]


def test_a_stage_goes_on_without_a_node_of_engines_that_is_lost_and_the_others_end_with_it(
    tmp_path: Path, start: Callable[..., Started]
) -> None:
    job = job_of(tmp_path, engine_nodes=2)
    first, lost, left = (start(job, "--number", str(number)) for number in range(3))
    until_step(job, 2)
    engines = engines_of(job)
    assert len(engines) == 2
    lost.tell(signal.SIGKILL)
    assert [first.end(), left.end()] == [0, 0]
    assert files.outcome(job.folder) == Outcome("finished")
    assert not any(engine.is_running() for engine in engines)
    assert not (job.folder / "start-0" / INVITATION).exists(), "the key"


def test_engines_whose_first_node_is_lost_end_and_the_next_start_has_its_own(
    tmp_path: Path, start: Callable[..., Started]
) -> None:
    job = job_of(tmp_path, engine_nodes=1)
    first, second = start(job), start(job, "--number", "1")
    until_step(job, 2)
    [engine] = engines_of(job)
    first.tell(signal.SIGKILL)
    assert second.end() == INTERRUPTED, "the scheduler's script puts the job back"
    assert not engine.is_running()
    again = [start(job, "--start", "1", "--number", str(number)) for number in (0, 1)]
    until(partial(begun_before, job, 1), "it did not begin again")
    assert [one.end() for one in again] == [0, 0]
    assert job.log.read_text().count("engines: ") == 2
    assert manifest(job)["facts"]["started_at"] >= 2
