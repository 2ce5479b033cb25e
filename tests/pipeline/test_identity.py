"""What changes a fingerprint, and what must not."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import RecipeError
from pipeline.identity import (
    WHEN_SET,
    InputIdentity,
    canonical_json,
    config_identity,
    fingerprint,
)


@dataclass
class Inner:
    rate: float = 0.1
    device: str = field(default="cpu", metadata={"identity": False})


@dataclass
class Config:
    kind: str = "toy"
    init_from: str | None = "base"
    data_from: list[str] = field(default_factory=lambda: ["a", "b"])
    steps: int = 3
    shard: int = field(default=8, metadata={"identity": False})
    inner: Inner = field(default_factory=Inner)
    terms: dict[str, Inner] = field(default_factory=lambda: {"x": Inner()})
    switches: list[Inner] = field(default_factory=lambda: [Inner()])
    mixture: dict[str, float] = field(default_factory=lambda: {"a": 0.5})
    path: str | None = field(default=None, metadata={"file": True})


EDGES = ("init_from", "data_from")
INPUTS = (InputIdentity("data_from", "a", "1" * 16), InputIdentity("data_from", "b", "2" * 16))


def print_of(config: Config, inputs: tuple[InputIdentity, ...] = INPUTS, version: int = 1) -> str:
    return fingerprint("toy", version, config_identity(config, EDGES).config, inputs, {})


CANONICAL = (
    '{"config":{"inner":{"rate":0.1},"kind":"toy","mixture":{"a":0.5},"path":null,"steps":3,'
    '"switches":[{"rate":0.1}],"terms":{"x":{"rate":0.1}}},"files":{},'
    '"inputs":[{"edge":"data_from","fingerprint":"1111111111111111"},'
    '{"edge":"data_from","fingerprint":"2222222222222222"}],"kind":"toy","version":1}'
)


def test_the_fingerprint_is_the_start_of_the_hash_of_these_very_bytes() -> None:
    assert print_of(Config()) == hashlib.sha256(CANONICAL.encode()).hexdigest()[:16]


@pytest.mark.parametrize(
    "changed",
    [
        replace(Config(), steps=4),
        replace(Config(), inner=Inner(rate=0.2)),
        replace(Config(), terms={"x": Inner(rate=0.2)}),
        replace(Config(), terms={"y": Inner()}),
        replace(Config(), switches=[]),
        replace(Config(), mixture={"b": 0.5}),
        replace(Config(), path="openai/gsm8k"),
    ],
)
def test_whatever_changes_the_result_changes_the_fingerprint(changed: Config) -> None:
    assert print_of(changed) != print_of(Config())


@pytest.mark.parametrize(
    "same",
    [
        replace(Config(), shard=99),
        replace(Config(), inner=Inner(device="cuda")),
        replace(Config(), terms={"x": Inner(device="cuda")}),
        replace(Config(), switches=[Inner(device="cuda")]),
        replace(Config(), init_from="renamed", data_from=["c", "d"]),
    ],
)
def test_placement_and_names_of_inputs_do_not_change_the_fingerprint(same: Config) -> None:
    assert print_of(same) == print_of(Config())


def test_the_inputs_count_by_content_edge_and_order_but_not_by_name() -> None:
    first, second = INPUTS
    assert print_of(Config(), (second, first)) != print_of(Config())
    assert print_of(Config(), (first,)) != print_of(Config())
    assert print_of(Config(), (replace(first, edge="init_from"), second)) != print_of(Config())
    assert print_of(Config(), (replace(first, stage="renamed"), second)) == print_of(Config())


def test_a_new_version_changes_the_fingerprint() -> None:
    assert print_of(Config(), version=2) != print_of(Config())


def test_a_file_below_the_home_folder_counts_by_content_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "rows.jsonl").write_text("{}")
    home = config_identity(replace(Config(), path="~/rows.jsonl"))
    assert home.files == {"path": tmp_path / "rows.jsonl"}


def test_a_local_file_counts_by_content_and_a_hub_name_as_text(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text("{}")
    local = config_identity(replace(Config(), path=str(file)))
    assert local.files == {"path": file}
    assert "path" not in local.config
    hub = config_identity(replace(Config(), path="openai/gsm8k"))
    assert hub.config["path"] == "openai/gsm8k"
    assert hub.files == {}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"reward": {"weight": math.nan}}, r"reward\.weight: nan"),
        ({"reward": {"weight": math.inf}}, r"reward\.weight: inf"),
        ({"terms": [1, {2, 3}]}, r"terms\[1\]: a value of type set"),
        ({"score": print}, r"score: a value of type builtin_function_or_method"),
        ({"path": Path("x")}, r"path: a value of type PosixPath"),
        ({"weights": {1: 2}}, r"weights: its key 1 is int"),
    ],
)
def test_a_value_without_a_stable_form_is_refused_by_its_key(value: Any, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        canonical_json(value)


def test_canonical_json_ignores_the_order_of_keys_and_keeps_int_apart_from_float() -> None:
    assert canonical_json({"b": 1, "a": "等"}) == canonical_json({"a": "等", "b": 1})
    assert canonical_json({"start": 1}) != canonical_json({"start": 1.0})


def test_a_field_that_came_later_counts_only_where_it_is_set():
    @dataclass
    class Before:
        ngram: int = 10

    @dataclass
    class After(Before):
        rows: int | None = field(default=None, metadata={"identity": WHEN_SET})
        parts: dict[str, int] = field(default_factory=dict, metadata={"identity": WHEN_SET})

    before = config_identity(Before()).config
    assert config_identity(After()).config == before
    assert config_identity(After(rows=5)).config == before | {"rows": 5}
    assert config_identity(After(parts={"a": 1})).config == before | {"parts": {"a": 1}}
