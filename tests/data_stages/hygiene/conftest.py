"""Real rows as problems, and the clean stage on them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from omegaconf import OmegaConf

from pipeline.artifact import Artifact
from pipeline.sections import keep_sources

DATA = Path(__file__).parents[2] / "data"
ROOT = Path(__file__).parents[3]


def problem(id_: str, prompt: str, reference: str = "", **metadata: Any) -> dict[str, Any]:
    """A problem row."""
    return {
        "id": id_,
        "domain": "math",
        "language": "en",
        "prompt": [{"role": "user", "content": prompt}],
        "verifier": "math",
        "reference": reference,
        "metadata": json.dumps(metadata),
        "source": "test",
    }


def gsm8k() -> list[dict[str, Any]]:
    """The first rows of GSM8K's test split, with their reference solutions."""
    rows = [json.loads(line) for line in (DATA / "gsm8k/test.jsonl").read_text().splitlines()]
    return [
        problem(
            f"gsm8k-{number}",
            row["question"],
            row["answer"].rpartition("#### ")[2],
            solution=row["answer"],
        )
        for number, row in enumerate(rows, start=1)
    ]


def math500() -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (DATA / "math500/test.jsonl").read_text().splitlines()]
    return [
        problem(f"math500-{n}", row["problem"], row["answer"], solution=row["solution"])
        for n, row in enumerate(rows, start=1)
    ]


def mgsm(language: str) -> list[dict[str, Any]]:
    lines = (DATA / "mgsm/questions.tsv").read_text().splitlines()
    questions = [text for name, _, text in (line.partition("\t") for line in lines)]
    spoken = [line.partition("\t")[0] for line in lines]
    chosen = [text for text, name in zip(questions, spoken, strict=True) if name == language]
    return [problem(f"mgsm-{language}-{n}", text) for n, text in enumerate(chosen, start=1)]


def rewordings() -> list[dict[str, Any]]:
    """Rows of GSM8K in other words (tests/data/rewordings/SOURCE.md)."""
    lines = (DATA / "rewordings/gsm8k.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="session")
def sets() -> SimpleNamespace:
    """The real rows: `sets.gsm8k()`, `sets.mgsm("en")`, …, and `sets.problem(…)`."""
    return SimpleNamespace(
        problem=problem, gsm8k=gsm8k, math500=math500, mgsm=mgsm, rewordings=rewordings
    )


@pytest.fixture(scope="session")
def shipped() -> dict[str, Any]:
    """The numbers of conf/stage/_clean.yaml, as they ship."""
    numbers: Any = OmegaConf.to_container(OmegaConf.load(ROOT / "conf/stage/_clean.yaml"))
    keep_sources({"numbers": numbers})
    return dict(numbers)


@pytest.fixture
def clean(make_artifact, make_context, shipped) -> Callable[..., Any]:
    """`clean(rows, {"gsm8k": […]}, **config)`: the folder that the stage published, its outputs.

    Rows of several inputs are given by stage, too, or what was published of it.
    """
    from pipeline.kinds import Outputs
    from stages.kinds.clean.kind import CleanConfig
    from stages.kinds.clean.run import run

    def _clean(
        rows: Sequence[dict[str, Any]] | dict[str, Sequence[dict[str, Any]]],
        apart_from: dict[str, Sequence[dict[str, Any]]],
        /,
        type_: str = "problems",
        **config: Any,
    ) -> tuple[Path, Outputs]:
        given = rows if isinstance(rows, dict) else {"given": rows}
        inputs = {
            "data_from": tuple(
                some if isinstance(some, Artifact) else make_artifact(type_, name, some)
                for name, some in given.items()
            ),
            "apart_from": tuple(
                make_artifact("problems", name, items) for name, items in apart_from.items()
            ),
        }
        context = make_context(stage="cleaned")
        settings = CleanConfig(f"clean_{type_}", seed=0, **{**shipped, **config})
        return context.output, run(settings, inputs, context)

    return _clean
