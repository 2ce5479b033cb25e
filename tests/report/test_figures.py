"""No label of a figure is cut off or written over another."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.text import Text

from pipeline.statistics import Bootstrap
from stages.report import style
from stages.report.evidence import Evidence
from stages.report.figures import PLANS, draw_all

LONG = "an_alternative_with_an_uncommonly_long_name"


def texts(artist: Artist) -> list[Text]:
    found = [text for text in artist.findobj(Text) if text.get_visible() and text.get_text()]
    return [text for text in found if isinstance(text, Text)]


def outside(figure: Figure) -> set[Text]:
    """The labels of ticks beyond the ends of their axis, which nobody draws."""
    return {
        tick.label1
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis.get_major_ticks()
        if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
    }


def cut_off(figure: Figure) -> list[str]:
    """Texts that reach over the figure's edge, by more than half a pixel."""
    figure.canvas.draw()  # what was drawn last is the SVG, whose points are others
    edge, renderer = figure.bbox.padded(0.5), figure.canvas.get_renderer()  # type: ignore[attr-defined]
    drawn = [text for text in texts(figure) if text not in outside(figure)]
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in drawn]
    return [
        words
        for words, box in boxes
        if not (edge.contains(box.x0, box.y0) and edge.contains(box.x1, box.y1))
    ]


def overlapping(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of names on one axis, or in one legend, that touch."""
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    groups = [texts(legend) for legend in figure.legends]
    groups += [[t for t in axes.get_xticklabels() if t.get_text()] for axes in figure.axes]
    return [
        (one.get_text(), other.get_text())
        for group in groups
        for one, other in combinations(group, 2)
        if one.get_window_extent(renderer).overlaps(other.get_window_extent(renderer))
    ]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, Figure]:
    """The figures as they are saved, by name."""
    kept: dict[str, Figure] = {}

    def save(figure: Figure, path: Path) -> None:
        figure.canvas.draw()
        kept[path.stem] = figure

    monkeypatch.setattr(style, "save", save)
    monkeypatch.setattr(plt, "close", lambda figure: None)
    return kept


def test_no_label_of_the_recipe_is_cut_off(
    whole: Any, shipped: dict[str, Any], drawn: dict[str, Figure], tmp_path: Path
) -> None:
    draw_all(
        [Evidence(whole.artifacts)], shipped["shown"], Bootstrap(**shipped["bootstrap"]), tmp_path
    )
    assert set(drawn) == {plan.name for plan in PLANS}
    nothing: dict[str, list[Any]] = {name: [] for name in drawn}
    assert {name: cut_off(figure) for name, figure in drawn.items()} == nothing
    assert {name: overlapping(figure) for name, figure in drawn.items()} == nothing


def test_stages_with_long_names_and_few_steps_keep_their_labels(
    world: Any, shipped: dict[str, Any], drawn: dict[str, Figure], tmp_path: Path
) -> None:
    stages = [f"{LONG}_{number}" for number in range(6)]
    for number, stage in enumerate(stages):
        point = {"accuracy": 0.5, "reward": 1.0, "reward/format": 1.0, "length": 20.0}
        world.add_model(stage, [point] * (100 if number == 0 else 3))
        world.add_evaluation(stage, {"pass_at_1": [1.0] * 8})
    shown = shipped["shown"] | {
        "stages": stages,
        "curves": [{"stage": stage, "compared": []} for stage in stages],
        "students": [{"base": stages[0], "trained": stages[1:]}],
    }
    draw_all([Evidence(world.artifacts)], shown, Bootstrap(**shipped["bootstrap"]), tmp_path)
    assert set(drawn) == {"rl_curves", "rewards", "stages", "students"}
    nothing: dict[str, list[Any]] = {name: [] for name in drawn}
    assert {name: cut_off(figure) for name, figure in drawn.items()} == nothing
    assert {name: overlapping(figure) for name, figure in drawn.items()} == nothing
