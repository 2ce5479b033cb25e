"""What a stage counts on the way: phases, sums and peaks, over processes and attempts."""

from __future__ import annotations

import threading
from pathlib import Path

from pipeline import meter
from pipeline.meter import Spent


def test_a_phase_inside_another_takes_its_time_out_of_it(tmp_path: Path) -> None:
    with meter.running(tmp_path), meter.phase("train"), meter.phase("rollout"):
        pass
    names = list(meter.total(tmp_path).phases)
    assert names == ["start", "train", "rollout", "other"]


def test_a_whole_phase_has_those_inside_it_as_well(tmp_path: Path) -> None:
    with meter.running(tmp_path):
        with meter.phase("validation", whole=True), meter.phase("rollout"):
            pass
        with meter.phase("train"):
            pass
    assert list(meter.total(tmp_path).phases) == ["start", "validation", "other", "train"]


def test_attempts_are_added_up_and_of_peaks_the_largest_counts(tmp_path: Path) -> None:
    for tokens, longest in ((100, 40), (20, 50)):
        with meter.running(tmp_path):
            meter.count(tokens=tokens)
            meter.most(longest=longest)
    spent = meter.total(tmp_path)
    assert spent.counts == {"tokens": 120}
    assert spent.peaks["longest"] == 50
    assert spent.peaks["memory_mib"] > 0


def test_what_a_killed_attempt_wrote_is_in_the_sum(tmp_path: Path) -> None:
    before = meter.Meter(tmp_path / "meter" / "0-killed.json")
    before.count({"tokens": 7})
    (tmp_path / "meter").mkdir()
    before.write()
    with meter.running(tmp_path):
        meter.count(tokens=3)
    assert meter.total(tmp_path).counts == {"tokens": 10}


def test_ranks_count_together_and_the_first_tells_the_time(tmp_path: Path) -> None:
    with meter.running(tmp_path, rank=0), meter.phase("train"):
        meter.count(tokens=3)
    with meter.running(tmp_path, rank=1), meter.phase("waiting"):
        meter.count(tokens=4)
    spent = meter.total(tmp_path)
    assert spent.counts == {"tokens": 7}
    assert "train" in spent.phases
    assert "waiting" not in spent.phases


def test_a_thread_counts_but_is_in_no_phase(tmp_path: Path) -> None:
    def work() -> None:
        with meter.phase("beside"):
            meter.count(tokens=1)

    with meter.running(tmp_path):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    spent = meter.total(tmp_path)
    assert spent.counts == {"tokens": 1}
    assert "beside" not in spent.phases


def test_what_was_taken_is_not_counted_again(tmp_path: Path) -> None:
    meter.begin()
    meter.count(tokens=5)
    first, second = meter.take(), meter.take()
    assert first.counts == {"tokens": 5}
    assert second.counts == {}
    with meter.running(tmp_path):
        meter.add(first)
    assert meter.total(tmp_path).counts == {"tokens": 5}


def test_a_harmed_file_and_a_folder_that_is_gone_cost_nothing_but_what_they_held(
    tmp_path: Path,
) -> None:
    (tmp_path / "meter").write_text("no folder")
    with meter.running(tmp_path):
        meter.count(tokens=5)
    assert meter.total(tmp_path) == Spent()
    (tmp_path / "meter").unlink()
    (tmp_path / "meter").mkdir()
    (tmp_path / "meter" / "0-torn.json").write_text('{"phases": 7')
    assert meter.total(tmp_path) == Spent()
