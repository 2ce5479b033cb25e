"""report.html: one file for a reader of two minutes, with a page behind it for each stage."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from markdown_it import MarkdownIt

from stages import report
from stages.report import effects
from stages.report.gallery import gallery
from tests.report.conftest import World

HOSTILE = (
    "<think></think><script>alert(1)</script>\n\n![x](http://evil/x.png)\n\n"
    "<img src=http://evil/y.png></pre>"
)


class Tags(HTMLParser):
    """Every tag of a page with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def sample(number: int, score: float | None, thought: str = "two and 3", **more: Any) -> Any:
    return {
        "id": f"p{number}",
        "domain": "general",
        "language": "en",
        "prompt": [{"role": "user", "content": "How many?"}],
        "reference": "5",
        "completion": f"<think>{thought}</think>{number}",
        "reasoning": thought,
        "score": score,
        "reason": "right" if score else "wrong",
    } | more


def add_samples(world: World, model: str, rows: list[Any]) -> Path:
    folder = world.add_evaluation(model, {"pass_at_1": [0.5] * 8})
    path = folder / "samples.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def page(world: World, shipped: dict[str, Any], out: Path) -> str:
    path = report.build(world.artifacts, {"claims": shipped}, out, {"name": "r1-tiny"})
    return path.with_name("report.html").read_text()


def test_the_first_page_has_verdicts_and_figures_and_every_stage_a_page(
    whole: World, shipped: dict[str, Any], tmp_path: Path
) -> None:
    text = page(whole, shipped, tmp_path)
    first = text.partition('id="claims"')[0]
    assert first.count("✔ reproduced") == 10
    assert first.count("<img ") == 2  # the stages and the claims
    assert "Verdicts rest on one seed" in first
    tags = Tags(text).found
    ids = [attributes.get("id") for _, attributes in tags]
    assert {f"stage-{name}" for name in whole.artifacts} <= set(ids)
    targets = [a["href"] for tag, a in tags if tag == "a" and a["href"].startswith("#")]
    assert {target[1:] for target in targets} <= set(ids)


def test_a_page_asks_for_nothing_and_runs_nothing(
    world: World, shipped: dict[str, Any], tmp_path: Path
) -> None:
    rows = [sample(i, 0.0, completion=HOSTILE) for i in range(3)]
    add_samples(world, "zero", rows)
    tags = Tags(page(world, shipped, tmp_path)).found
    assert not {"script", "link", "iframe", "form"} & {tag for tag, _ in tags}
    sources = [a["src"] for _, a in tags if "src" in a]
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert any("default-src 'none'" in str(a.get("content")) for tag, a in tags if tag == "meta")


def test_a_model_s_words_are_no_markdown_of_the_report(
    world: World, shipped: dict[str, Any], tmp_path: Path
) -> None:
    """An empty line, or one of spaces, must not end the HTML that holds them."""
    for model, empty in (("zero", "\n\n"), ("dev1", "\n \t\n"), ("dev2", "\n\u3000\n")):
        words = f"so{empty}![x](http://evil/x.png) <b>"
        add_samples(world, model, [sample(i, 0.0, completion=words) for i in range(3)])
    page(world, shipped, tmp_path)
    text = (tmp_path / "report.md").read_text()
    assert text.count("http://evil/x.png") == 9
    shown = Tags(MarkdownIt().enable("table").render(text)).found
    assert not [a for tag, a in shown if "evil" in str(a)]


def test_an_svg_takes_its_inks_from_the_reader_s_scheme(
    whole: World, shipped: dict[str, Any], tmp_path: Path
) -> None:
    page(whole, shipped, tmp_path)
    svg = (tmp_path / "figures" / "stages.svg").read_text()
    assert "prefers-color-scheme: dark" in svg
    assert "fill: var(--ink)" in svg
    assert "fill: #ffffff" not in svg


def test_completions_of_each_sort_are_shown_as_often_as_wanted(tmp_path: Path) -> None:
    """Ten right with a thought, four wrong, two right ones without one, one that mixes."""
    mixed = "先算五加三等于八，再算八减二等于六 and then we add the other number"
    rows = [sample(i, 1.0) for i in range(10)] + [sample(i, 0.0) for i in range(10, 14)]
    rows += [sample(i, 1.0, thought="") for i in (14, 15)] + [sample(16, 0.0, thought=mixed)]
    path = tmp_path / "samples.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    wanted = {"right": 3, "wrong": 3, "hacked": 2, "mixed": 2}
    found = gallery(path, {"sorts": wanted, "looked_at": 50, "seed": 0, "reward": "helpful"})
    assert found.counts == {"right": 10, "wrong": 4, "hacked": 2, "mixed": 1}
    assert len(found.shown) == 10  # a right or wrong one in place of the second that mixes
    assert [one.sort for one in found.shown].count("hacked") == 2
    assert len({one.sample["id"] for one in found.shown}) == 10


def test_a_wrong_answer_that_its_reward_model_likes_best_is_hacked(tmp_path: Path) -> None:
    """Of one problem: right at 0.2, wrong at 0.9 and at 0.1; of reasoning no reward is paid."""
    rows = [
        sample(1, 1.0, reward_helpful=0.2),
        sample(1, 0.0, reward_helpful=0.9, completion="liked"),
        sample(1, 0.0, reward_helpful=0.1),
        sample(2, 1.0, domain="math", reward_helpful=0.2),
        sample(2, 0.0, domain="math", reward_helpful=0.9),
    ]
    path = tmp_path / "samples.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    wanted = {"right": 1, "wrong": 1, "hacked": 3, "mixed": 0}
    found = gallery(path, {"sorts": wanted, "looked_at": 50, "seed": 0, "reward": "helpful"})
    hacked = [one.sample["completion"] for one in found.shown if one.sort == "hacked"]
    assert hacked == ["liked"]


def test_the_effect_plot_has_a_row_for_each_measured_check(
    whole: World, shipped: dict[str, Any]
) -> None:
    judged = report.facts(whole.artifacts, {"claims": shipped})["claims"]
    rows = effects.rows(shipped["claims"], judged)
    assert len(rows) == sum(len(claim["checks"]) for claim in shipped["claims"])
    units = {row["unit"] for row in rows}
    assert units == {"points", "tokens", "checking words", "reward_helpful", "Kendall's tau"}
    assert rows[0]["margin"] == 0.3
    judged[0]["checks"][0] |= {"difference": None, "low": None, "high": None}
    assert len(effects.rows(shipped["claims"], judged)) == len(rows) - 1


def test_a_curve_that_is_not_finite_is_named(
    world: World, shipped: dict[str, Any], tmp_path: Path
) -> None:
    path = world.add_model("zero", [{"reward": 1.0, "loss": 0.1} for _ in range(12)])
    line = json.dumps({"step": 13, "time": 1.0, "reward": 1.0, "loss": float("nan")})
    with (path / "metrics.jsonl").open("a") as file:
        file.write(f"{line}\n")
    text = page(world, shipped, tmp_path)
    assert "zero: loss is not a finite number at 1 steps, from 13 on." in text
