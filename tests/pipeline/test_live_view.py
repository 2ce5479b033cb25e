"""What a terminal shows of a run, by the screen that 80 columns and 24 lines leave for it."""

from __future__ import annotations

import io
import os
import pty
import re
import select
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from conftest import PYTHONPATH, Toy
from rich.console import Console
from toy_recipe.kinds import REGISTRY, SourceConfig, TotalConfig

from pipeline.board import Board
from pipeline.graph import build
from pipeline.live_view import Screen
from pipeline.plan import Decision, State
from pipeline.progress import Progress, View

LONG = 3681.0  # seconds: an hour and some


def lines(views: Sequence[View], width: int = 80, closed: bool = False) -> list[str]:
    """The screen as text, line by line."""
    screen = Screen()
    screen.update(views)
    if closed:
        screen.close()
    console = Console(width=width, height=24, record=True, file=io.StringIO())
    console.print(screen)
    return console.export_text().splitlines()


def many() -> list[View]:
    """A recipe of 46 stages, whose running ones come late."""
    views = [View(f"stage_{number:02}", "work", "done", 12.0) for number in range(20)]
    views += [View(f"stage_{number:02}", "work", "waiting") for number in range(20, 43)]
    running: dict[str, Any] = {"state": "running", "also": {"token": 1234.5}}
    numbers: dict[str, Any] = {"unit": "sample", "rate": 1234.5, "left": LONG, "seconds": LONG}
    return [
        *views,
        View("eval_student_qwen_base", "evaluate", done=12_345, total=25_600, **numbers, **running),
        View("zero", "rl", done=37, total=100, unit="step", rate=0.4567, left=140.0, **running),
        View("dev1", "sft", "failed", 4.0),
    ]


def test_running_stages_come_first_and_the_rest_is_cut_to_the_screen() -> None:
    shown = lines(many())
    assert len(shown) <= 23
    assert [line.split()[0] for line in shown[1:4]] == ["eval_student_qwen_base", "zero", "dev1"]
    assert shown[4].split() == ["stage_20", "waiting"]
    assert shown[-2:] == [
        "… and 26 more",
        "20 of 46 done · 2 running · 1 failed · 23 waiting · 0:00",
    ]


def test_columns_stand_below_their_heads_and_nothing_is_cut_or_wrapped() -> None:
    head, first, second, *_ = lines(many())
    assert first.split() == [
        *("eval_student_qwen_base", "running", "12,345/25,600", "samples", "1,234/s"),
        *("1:01:21", "1:01:21"),
    ]
    assert second.split() == ["zero", "running", "37/100", "steps", "0.457/s", "2:20"]
    for name, of_first, of_second in (("rate", "1,234/s", "0.457/s"), ("left", "1:01:21", "2:20")):
        ends = [
            line.index(word) + len(word)
            for line, word in zip((head, first, second), (name, of_first, of_second), strict=True)
        ]
        assert len(set(ends)) == 1


def test_a_wide_terminal_shows_the_kind_and_every_rate() -> None:
    _, first, *_ = lines(many(), width=120)
    assert first.split()[1] == "evaluate"
    assert first.rstrip().endswith("1,234 tokens/s")


def test_at_the_end_only_what_went_wrong_is_listed() -> None:
    views = [View("base", "work", "done", 1.0), View("zero", "rl", "failed", 4.0)]
    shown = lines([*views, View("r1", "rl", "blocked")], closed=True)
    assert [line.split()[0] for line in shown] == ["stage", "zero", "r1", "1"]


def test_a_stage_whose_process_is_not_there_yet_is_loading_unless_it_needs_nothing_heavy(
    tmp_path: Path,
) -> None:
    light = TotalConfig("total", data_from=["zero"])
    graph = build({"zero": SourceConfig("source", count=1), "light": light}, REGISTRY)
    board = Board(graph, heavy=["torch.nn", "numpy"])
    plan = dict.fromkeys(graph.stages, Decision(State.RUN))
    going = plan, {name: Progress(tmp_path) for name in plan}, {}
    views = board.views(*going, begun=(), waits={})
    assert [view.state for view in views] == ["loading torch", "starting"]
    assert lines(views)[1].split() == ["zero", "loading", "torch", "0:00"]
    begun = board.views(*going, begun=going[0], waits={})
    assert {view.state for view in begun} == {"running"}


def in_a_terminal(
    toy: Toy, *arguments: str, when: Callable[[str], bool] = lambda text: False
) -> tuple[str, int]:
    """Everything that is shown, and the exit code; Ctrl-C as soon as `when` holds."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": PYTHONPATH, "TERM": "xterm", "NO_COLOR": "1"}
    process = toy.start_in(theirs, environment, *arguments)
    os.close(theirs)
    seen, pressed = "", False
    deadline = time.monotonic() + 120
    while select.select([ours], [], [], max(0.0, deadline - time.monotonic()))[0]:
        try:
            seen += os.read(ours, 65536).decode(errors="replace")
        except OSError:  # the other end closed
            break
        if not pressed and when(seen):
            process.send_signal(signal.SIGINT)
            pressed = True
    os.close(ours)
    return seen, process.wait(timeout=90)


def test_a_terminal_shows_a_live_table_in_which_stages_wait_and_run(
    toy: Toy,
) -> None:
    text, code = in_a_terminal(toy, "run", "stages.right.delay=0.7")
    assert code == 0, text
    for words in ("elapsed", "waiting", "/3 steps", "1 running", "4 of 4 done"):
        assert words in text
    assert " run " not in text


def test_after_ctrl_c_nothing_is_said_to_run(toy: Toy) -> None:
    text, code = in_a_terminal(
        toy,
        *("run", "stages.left.delay=20", "until=left"),
        when=lambda seen: re.search("left +running", seen) is not None,
    )
    assert code == 130, text
    last = text[text.rindex("To go on: ") :]
    assert "left" in last
    assert "1 of 2 done · 1 stopped" in last
    assert "running" not in last
