"""What the live view knows of a running stage."""

import time
from pathlib import Path

import pytest

from pipeline.console import PlainConsole
from pipeline.context import Context
from pipeline.progress import Progress


def test_the_rate_of_whatever_a_stage_counts_is_shown(tmp_path: Path, monkeypatch, capsys) -> None:
    context = Context("zero", "f" * 16, tmp_path, tmp_path, 0, 1, tmp_path)
    progress = Progress(tmp_path)
    context.progress(1, 4, "sample", {"token": 100})
    progress.view("zero", "rl")
    time.sleep(0.6)
    context.progress(3, 4, "sample", {"token": 700})
    view = progress.view("zero", "rl")
    assert view.rate is not None
    assert view.left is not None
    assert view.also["token"] / view.rate == pytest.approx(300)  # 600 tokens beside 2 samples
    monkeypatch.setattr("pipeline.console.EVERY_SECONDS", 0.0)
    PlainConsole().show([view])
    line = capsys.readouterr().out
    assert "sample 3/4" in line
    assert "samples/s" in line
    assert "tokens/s" in line


@pytest.mark.parametrize(
    "content",
    ["null", "[]", "[" * 9999, '{"done": 1}',
     '{"done": [], "total": 2, "unit": "step", "time": 1e12, "also": {}}',
     '{"done": NaN, "total": 2, "unit": "step", "time": 1e12, "also": {}}'],
)  # fmt: skip
def test_progress_of_another_shape_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "progress.json").write_text(content)
    assert Progress(tmp_path).view("zero", "rl").done is None


def test_a_stage_that_counts_anew_has_no_rate_of_what_it_counted_before(tmp_path: Path) -> None:
    context = Context("eval_r1", "f" * 16, tmp_path, tmp_path, 0, 1, tmp_path)
    progress = Progress(tmp_path)
    for done, total, tokens in ((2, 2, 900), (3, 50, 100), (13, 50, 300)):
        context.progress(done, total, "sample", {"token": tokens})
        view = progress.view("eval_r1", "evaluate")
        if done == 3:
            assert (view.done, view.rate) == (3, None)
        time.sleep(0.6)
    assert view.rate is not None
    assert view.also["token"] / view.rate == pytest.approx(20)  # 200 tokens beside 10 samples
