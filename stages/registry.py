"""The kinds of stage of this project, gathered. Imports no torch: entries are dotted names."""

from __future__ import annotations

import importlib
import pkgutil

from pipeline.kinds import Kind, Registry
from stages import kinds


def _gathered() -> list[Kind]:
    """Each folder of stages/kinds says in its kind.py which kinds it has."""
    names = sorted(module.name for module in pkgutil.iter_modules(kinds.__path__))
    halves = [importlib.import_module(f"{kinds.__name__}.{name}.kind") for name in names]
    return [kind for half in halves for kind in half.KINDS]


REGISTRY = Registry(
    _gathered(),
    edges=(
        "init_from",
        "data_from",
        "apart_from",
        "rewrite_with",
        "judge_with",
        "teach_with",
        "compute_as",
        "score_with",
        "tried_on",
        "validate_on",
        "evaluates",
    ),
)

#: What every stage process finds imported: modules that start no thread and no CUDA.
PRELOAD = (
    "torch",
    "transformers",
    "transformers.models.qwen2.modeling_qwen2",
    "transformers.models.llama.modeling_llama",
    "datasets",
    "trl.trainer.grpo_trainer",
    "trl.trainer.sft_trainer",
    "trl.trainer.reward_trainer",
    "stages.preload",
)
