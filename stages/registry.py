"""The kinds of stage of this project. Imports no torch: entries are dotted names."""

from __future__ import annotations

from pipeline.kinds import EdgeRule, Kind, Registry
from stages import configs

MODEL = frozenset({"model"})
REWARD_MODEL = frozenset({"reward_model"})
PROBLEMS = frozenset({"problems"})
TRAINING_ROWS = frozenset({"samples", "conversations"})

ORIGIN = "stages.origins:of"  # for kinds that bring rows or weights in

_INIT = EdgeRule(MODEL, required=MODEL, at_most=1)


def _clean(type_: str) -> Kind:
    """A stage that gives back rows of the type that it takes, without what must not be in them."""
    rows = frozenset({type_})
    edges = {
        "data_from": EdgeRule(rows, required=rows),
        "apart_from": EdgeRule(PROBLEMS, required=PROBLEMS),
    }
    return Kind(
        f"clean_{type_}",
        1,
        configs.CleanConfig,
        type_,
        "stages.clean:run",
        light=True,
        edges=edges,
        check="stages.checks.made_rows:cleaned",
    )


def _judged(type_: str, entry: str) -> Kind:
    """A stage that has responses judged: those of a file, or a model's to prompts."""
    edges = {
        "data_from": EdgeRule(MODEL | PROBLEMS | {"conversations"}),
        "judge_with": EdgeRule(MODEL | {"served_model"}, at_most=1),
    }
    config, check = configs.PreferencesConfig, "stages.checks.judged:check"
    needs = "stages.needs:judged"
    return Kind(type_, 4, config, type_, entry, edges, origin=ORIGIN, check=check, needs=needs)


_KINDS = (
    Kind(
        "pretrain",
        1,
        configs.PretrainConfig,
        "model",
        "stages.pretrain:run",
        derive="stages.numbers:pretrain",
        origin=ORIGIN,
        needs="stages.needs:pretrain",
        check="stages.checks.training:pretraining",
    ),
    Kind(
        "pretrained",
        3,
        configs.PretrainedConfig,
        "model",
        "stages.pretrained:run",
        check="stages.checks.models:pretrained",
        origin=ORIGIN,
    ),
    Kind(
        "served_model",
        1,
        configs.ServedModelConfig,
        "served_model",
        "stages.served_model:run",
        check="stages.checks.served:check",
        origin=ORIGIN,
    ),
    Kind(
        "problems",
        2,
        configs.ProblemsConfig,
        "problems",
        "stages.problems:run",
        light=True,
        edges={"apart_from": EdgeRule(PROBLEMS)},
        check="stages.checks.made_rows:problems",
        origin=ORIGIN,
    ),
    Kind(
        "worked",
        2,
        configs.ProblemsConfig,
        "conversations",
        "stages.problems:run_worked",
        light=True,
        check="stages.checks.made_rows:problems",
        origin=ORIGIN,
    ),
    Kind(
        "dataset",
        3,
        configs.DatasetConfig,
        "problems",
        "stages.dataset:run",
        light=True,
        check="stages.checks.data:dataset",
        origin=ORIGIN,
    ),
    Kind(
        "conversations",
        3,
        configs.ConversationsConfig,
        "conversations",
        "stages.conversations:run",
        light=True,
        check="stages.checks.data:conversations",
        origin=ORIGIN,
    ),
    Kind(
        "reasoning_gym",
        1,
        configs.ReasoningGymConfig,
        "problems",
        "stages.gym:run",
        light=True,
        check="stages.checks.made_rows:gym",
        origin=ORIGIN,
    ),
    _clean("problems"),
    _clean("samples"),
    _clean("conversations"),
    Kind(
        "rl",
        3,
        configs.RLConfig,
        "model",
        "stages.rl:run",
        edges={
            "init_from": _INIT,
            "data_from": EdgeRule(PROBLEMS | {"samples"}, required=PROBLEMS),
            "score_with": EdgeRule(REWARD_MODEL),
            "compute_as": EdgeRule(MODEL, at_most=1),
            "validate_on": EdgeRule(PROBLEMS, identity=False),
        },
        derive="stages.numbers:rl",
        needs="stages.needs:rl",
        check="stages.checks.rl:check",
    ),
    Kind(
        "sft",
        2,
        configs.SFTConfig,
        "model",
        "stages.sft:run",
        edges={"init_from": _INIT, "data_from": EdgeRule(TRAINING_ROWS, required=frozenset())},
        derive="stages.numbers:sft",
        needs="stages.needs:supervised",
        check="stages.checks.training:sft",
    ),
    Kind(
        "on_policy_distill",
        2,
        configs.OnPolicyDistillConfig,
        "model",
        "stages.on_policy_distill:run",
        edges={
            "init_from": _INIT,
            "data_from": EdgeRule(PROBLEMS | {"conversations"}, at_least=1),
            "teach_with": EdgeRule(MODEL, required=MODEL, at_most=1),
        },
        derive="stages.numbers:on_policy_distill",
        needs="stages.needs:on_policy_distill",
        check="stages.checks.distillation:check",
    ),
    Kind(
        "sample",
        4,
        configs.SampleConfig,
        "samples",
        "stages.sample:run",
        edges={
            "data_from": EdgeRule(
                frozenset({"model", "problems", "samples", "conversations"}),
                required=frozenset({"model", "problems"}),
            ),
            "rewrite_with": EdgeRule(MODEL | {"served_model"}, at_most=1),
            "judge_with": EdgeRule(MODEL | {"served_model"}, at_most=1),
        },
        derive="stages.numbers:sample",
        needs="stages.needs:sampling",
        check="stages.checks.sampling:check",
    ),
    Kind(
        "reviewed",
        1,
        configs.ReviewedConfig,
        "samples",
        "stages.reviewed:run",
        light=True,
        edges={"data_from": EdgeRule(TRAINING_ROWS, at_least=1)},
        origin=ORIGIN,
        check="stages.checks.sampling:reviewed",
    ),
    Kind(
        "mixture",
        1,
        configs.MixtureConfig,
        "samples",
        "stages.mixture:run",
        light=True,
        edges={"data_from": EdgeRule(TRAINING_ROWS | MODEL)},
        check="stages.checks.made_rows:mixed",
    ),
    Kind(
        "select",
        2,
        configs.SelectConfig,
        "samples",
        "stages.selection:run",
        edges={
            "data_from": EdgeRule(TRAINING_ROWS | MODEL),
            "score_with": EdgeRule(frozenset({"samples", "evaluation"})),
        },
        check="stages.checks.made_rows:selected",
    ),
    Kind(
        "general",
        4,
        configs.GeneralConfig,
        "conversations",
        "stages.general:run",
        edges={"data_from": EdgeRule(frozenset({"model", "conversations"}))},
        origin=ORIGIN,
        needs="stages.needs:sampling",
        check="stages.checks.general:check",
    ),
    _judged("preferences", "stages.preferences:run"),
    _judged("labels", "stages.preferences:run_labels"),
    Kind(
        "reward_model",
        3,
        configs.RewardModelConfig,
        "reward_model",
        "stages.reward_model:run",
        edges={
            "init_from": _INIT,
            "data_from": EdgeRule(frozenset({"preferences", "labels"})),
        },
        derive="stages.numbers:reward_model",
        needs="stages.needs:supervised",
        check="stages.checks.training:reward_model",
        gate="stages.gates:reward_model",
    ),
    Kind(
        "evaluate",
        4,
        configs.EvaluateConfig,
        "evaluation",
        "stages.evaluate:run",
        edges={
            "evaluates": EdgeRule(MODEL | {"served_model"}, at_least=1, at_most=1),
            "data_from": EdgeRule(PROBLEMS, required=PROBLEMS),
            "score_with": EdgeRule(REWARD_MODEL),
        },
        derive="stages.numbers:evaluate",
        needs="stages.needs:sampling",
        check="stages.checks.evaluation:check",
        settle="stages.settle:evaluation",
    ),
)

REGISTRY = Registry(
    _KINDS,
    edges=(
        "init_from",
        "data_from",
        "apart_from",
        "rewrite_with",
        "judge_with",
        "teach_with",
        "compute_as",
        "score_with",
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
