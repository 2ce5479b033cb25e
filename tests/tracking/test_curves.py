"""A curve that grows, is rewound, or is replaced, is sent whole and each point once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.tracking.curves import Tail
from pipeline.tracking.words import flat, metric_name, numbers


def write(path: Path, *points: tuple[int, float]) -> None:
    lines = [json.dumps({"step": step, "loss": loss}) for step, loss in points]
    aside = path.with_suffix(".tmp")
    aside.write_text("".join(line + "\n" for line in lines))
    aside.replace(path)


def steps(tail: Tail, path: Path) -> list[tuple[int, float]]:
    return [(point["step"], point["loss"]) for point in tail.new(path)]


def test_only_new_whole_lines_are_read(tmp_path: Path) -> None:
    path, tail = tmp_path / "metrics.jsonl", Tail()
    assert steps(tail, path) == []
    write(path, (1, 0.5))
    with path.open("a") as file:
        file.write('{"step": 2, "lo')
    assert steps(tail, path) == [(1, 0.5)]
    with path.open("a") as file:
        file.write('ss": 0.4}\n')
    assert steps(tail, path) == [(2, 0.4)]


def test_lines_that_are_no_points_are_left_out_and_the_others_stand(tmp_path: Path) -> None:
    path, tail = tmp_path / "metrics.jsonl", Tail()
    bad = b'\xff\xfe\n[]\nnull\n{"step": "1"}\n{"step": Infinity}\n{"st{"step": 1}\n'
    path.write_bytes(b'{"step": 1, "loss": 0.5}\n' + bad + b'{"step": 2, "loss": 0.4}\n')
    assert steps(tail, path) == [(1, 0.5), (2, 0.4)]


def test_a_rewound_curve_sends_what_changed_and_nothing_twice(tmp_path: Path) -> None:
    path, tail = tmp_path / "metrics.jsonl", Tail()
    write(path, (1, 0.5), (2, 0.4), (3, 0.3))
    assert len(steps(tail, path)) == 3
    write(path, (1, 0.5), (2, 0.41))
    assert steps(tail, path) == [(2, 0.41)]


def test_the_published_copy_of_a_curve_brings_only_what_was_missed(tmp_path: Path) -> None:
    path, copy, tail = tmp_path / "metrics.jsonl", tmp_path / "published.jsonl", Tail()
    write(path, (1, 0.5))
    assert steps(tail, path) == [(1, 0.5)]
    write(copy, (1, 0.5), (2, 0.4))
    assert steps(tail, copy) == [(2, 0.4)]


def test_what_did_not_arrive_is_read_again(tmp_path: Path) -> None:
    path, tail = tmp_path / "metrics.jsonl", Tail()
    write(path, (1, 0.5))
    assert steps(tail, path) == [(1, 0.5)]
    tail.forget()
    assert steps(tail, path) == [(1, 0.5)]


def test_parameters_are_flattened_and_names_made_lawful() -> None:
    config = {"rewards": {"format": {"weight": 1.0}}, "data_from": ["a"], "empty": {}}
    found = dict(flat(config))
    assert found == {"rewards.format.weight": 1.0, "data_from": ["a"], "empty": {}}
    assert metric_name("pass@1") == "pass_1"


def test_keys_that_no_parameter_may_have_stay_apart() -> None:
    verdicts = {"A>B": 1.0, "A=B": 0.0}
    assert dict(flat({"judging": {"verdicts": verdicts}})) == {"judging.verdicts": verdicts}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), True, "3", None])
def test_what_is_no_finite_number_is_no_metric(value: object) -> None:
    assert numbers({"x": value, "y": 2}) == {"y": 2.0}
