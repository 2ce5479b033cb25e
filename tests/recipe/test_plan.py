"""`r1 plan` for people: where everything comes from, in lines that a terminal has room for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.kinds import Stage
from stages.kinds.dataset.kind import DatasetConfig
from stages.kinds.pretrained.kind import PretrainedConfig
from stages.project import main
from stages.registry import REGISTRY


def origin_of(config: Any) -> str:
    kind = REGISTRY[config.kind]
    assert kind.origin is not None
    return kind.origin(Stage("stage", kind, config, {}, {}))


def test_the_plan_says_where_rows_and_models_come_from_in_lines_of_80_columns(
    capsys, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("R1_ROOT", str(tmp_path / "outputs"))
    rows = tmp_path / "mine.jsonl"
    rows.write_text('{"prompt": "1+1?", "completion": "<think>1+1=2</think>2"}\n')
    words = ["recipe=students", "profile=small", f"stages.rows.path={rows}"]
    assert main(["plan", *words]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert f" from file {rows} " in " ".join(" ".join(lines).split())
    assert "    from Qwen/Qwen2.5-Math-7B on the Hugging Face hub" in "\n".join(lines)
    assert [line for line in lines if len(line) > 80 and str(rows) not in line] == []


def test_what_is_a_file_a_folder_a_hub_name_or_not_there_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("prompt\n")

    def said(path: str) -> str:
        return origin_of(PretrainedConfig("pretrained", path=path, seed=0))

    assert said(str(tmp_path / "rows.csv")) == f"file {tmp_path / 'rows.csv'}"
    assert said(str(tmp_path)) == f"folder {tmp_path}"
    assert said("openai/gsm8k") == "openai/gsm8k on the Hugging Face hub"
    assert said("mine.jsonl") == "mine.jsonl, which is not there"
    assert said("./model") == "./model, which is not there"
    assert said("../my/model") == "../my/model, which is not there"


def test_a_data_set_of_the_hub_is_told_with_its_configuration_split_and_limit() -> None:
    config = DatasetConfig(
        "dataset", format="gsm8k", path="openai/gsm8k", subset="main", limit=2000, seed=0
    )
    place = "openai/gsm8k on the Hugging Face hub (main, split train)"
    assert origin_of(config) == f"{place}, the first 2,000 rows, read as gsm8k"
