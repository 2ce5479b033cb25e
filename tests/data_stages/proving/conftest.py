"""The stage that proves rows, on rows of a test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

Rows = Sequence[dict[str, Any]]


@pytest.fixture
def prove(make_artifact, make_context) -> Callable[..., Any]:
    """`prove(rows, max_refused=…)`: the folder that the stage published, and its outputs.

    Rows of several stages are given by stage. again: the same inputs as those of the last call.
    """
    from stages.kinds.prove.kind import ProveConfig
    from stages.kinds.prove.run import run
    from stages.settings.verifiers import TrainingVerifiers
    from tests.shipped import shipped

    made: dict[str, Any] = {}

    def _prove(
        rows: Rows | dict[str, Rows], *, score_with: Sequence[Any] = (), **config: Any
    ) -> tuple[Path, Any]:
        given = rows if isinstance(rows, dict) else {"given": rows}
        for name, some in given.items():
            if name not in made:
                made[name] = make_artifact("problems", name, some)
        inputs = {"data_from": tuple(made[n] for n in given), "score_with": tuple(score_with)}
        context = make_context(stage="proven")
        judged = shipped(TrainingVerifiers)
        settings = {"max_refused": 0.05, "max_same_answer": 0.9, "verifiers": judged, **config}
        return context.output, run(
            ProveConfig("prove_problems", seed=0, **settings), inputs, context
        )

    return _prove
