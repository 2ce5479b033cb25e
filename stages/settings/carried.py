"""Models that no machine holds: which stages would load one, so that they are not run here.

The trainer on TRL loads a model whole in every process, and an engine that generates has the GPUs
of one machine. RL by an engine of another environment is what carries more (docs/engines.md). What
is made elsewhere comes in by the words that a problem names.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.kinds import Problem, Stage
from stages.settings.engine import TRL

#: Edges by which a stage loads weights.
LOADED = (
    *("init_from", "evaluates", "data_from", "teach_with"),
    *("rewrite_with", "judge_with", "score_with"),
)
_AS_A_MODEL = (
    "`~stage@stages.NAME +model@stages.NAME=hub stages.NAME.path=FOLDER "
    "stages.NAME.fits_a_machine=false stages.NAME.init_from=null stages.NAME.data_from=[]`"
)
_AS_ROWS = (
    "draw its rows elsewhere and take their file: `~stage@stages.NAME "
    "+data@stages.NAME=long_cot stages.NAME.path=ROWS.jsonl stages.NAME.data_from=[]`"
)
_SMALLER = "name a smaller model"
#: What is done in place of a stage, by its kind.
INSTEAD = {
    "sft": f"train it elsewhere, on the rows of data_from, and take the folder: {_AS_A_MODEL}",
    "on_policy_distill": f"train it elsewhere and take the folder: {_AS_A_MODEL}",
    "rl": "train it by another engine, e.g. engine=verl (docs/engines.md)",
    "reward_model": _SMALLER,
    "sample": _AS_ROWS,
    "general": _AS_ROWS,
    "preferences": f"{_SMALLER}, or a file of judgements: path",
    "labels": f"{_SMALLER}, or a file of judgements: path",
    "evaluate": "serve it over several machines and evaluate the server: "
    "`+stages.served={kind: served_model, url: URL, model: MODEL} stages.NAME.evaluates=served "
    "stages.NAME.rollout.engine=server`",
}
BESIDE = ("rewrite_with", "judge_with", "score_with")  # edges of which any model will do


def check(stage: Stage) -> Iterator[Problem]:
    """What stands against running a stage here, where it would load such a model."""
    for edge, base in _loaded(stage):
        instead = _SMALLER if edge in BESIDE else INSTEAD[stage.kind.name]
        yield Problem(
            edge,
            f"has the weights of {base.config.path}, which no machine holds "
            f"(stages.{base.name}.fits_a_machine=false), so it is not run here: {instead}",
            when_run=True,
        )
        return


def too_large(stage: Stage) -> bool:
    """Whether a stage would load such a model."""
    return stage.kind.name in INSTEAD and any(_loaded(stage))


def _loaded(stage: Stage) -> Iterator[tuple[str, Stage]]:
    """Edges that bring such a model, with the checkpoint that it comes from."""
    engine = getattr(stage.config, "engine", None)
    for edge in LOADED:
        if edge == "init_from" and engine is not None and engine.name != TRL:
            continue
        for source in stage.inputs[edge]:
            if source.kind.produces not in ("model", "reward_model"):
                continue
            base = _base(source)
            if not getattr(base.config, "fits_a_machine", True):
                yield edge, base


def _base(stage: Stage) -> Stage:
    """Where the weights of a model come in."""
    before = stage.inputs["init_from"]
    return _base(before[0]) if before else stage
