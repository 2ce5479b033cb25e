"""The paper's numbers reach the trainers, and every profile says where and why it departs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForSequenceClassification

from pipeline import checks, plan_command
from pipeline.compose import Composed, compose
from pipeline.errors import UsageError
from pipeline.graph import build
from pipeline.run_command import execute
from stages.commands.fidelity.departures import departures
from stages.commands.fidelity.paper import leaves, sources_of
from stages.kinds.reward_model import run as reward_model
from stages.kinds.rl import run as rl
from stages.kinds.sft import run as sft
from stages.project import R1, main
from stages.registry import REGISTRY
from stages.reward_models.data import read_judged
from stages.rewards.preference import load_scorers
from stages.rewards.terms import build_terms
from stages.rl.prompts import Prompt, prepare_prompts, starts
from stages.rl.rewards import weights_at
from stages.rl.schedule import max_tokens_at
from stages.rl.verdict_counts import VerdictCounts
from stages.supervised.documents import encode
from stages.tiny.problems import generate
from stages.training.common import load_tokenizer
from stages.verifiers.answer import DEFAULT

# DeepSeek-R1, arXiv 2501.12948v2, as TRL and transformers name it.
ZERO = {  # 2.1
    "learning_rate": 3e-6,
    "lr_scheduler_type": "constant_with_warmup",
    "warmup_steps": 0,
    "beta": 0.001,
    "temperature": 1.0,
    "top_p": 1.0,
    "num_generations": 16,
    "questions": 32,
    "batch": 512,
    "generation_batch_size": 8192,
    "steps_per_generation": 16,  # minibatches of a rollout
    "num_iterations": 1,  # inner epoch
    "max_completion_length": 32768,
    "max_steps": 10400,
    "sync_ref_model": True,
    "ref_model_sync_steps": 400,
    "ref_model_mixup_alpha": 1.0,  # replaced, not mixed
    "loss_type": "grpo",  # DeepSeekMath, equation 3
    "importance_sampling_level": "token",
    "scale_rewards": "group",  # equation 3
    "use_bias_correction_kl": False,  # equation 2 as it stands
}
FIRST = ZERO | {"epsilon": 10.0, "epsilon_high": 10.0}  # 3.2.1
SECOND = FIRST | {"temperature": 0.7, "max_steps": 1700}  # 3.2.2
SFT = {  # B.4.2
    "learning_rate": 5e-5,
    "lr_scheduler_type": "cosine_with_min_lr",
    "lr_scheduler_kwargs": {"min_lr": 5e-6},
    "num_train_epochs": 2,
    "batch": 128,
}
STUDENT = SFT | {"learning_rate": 1e-4, "lr_scheduler_kwargs": {"min_lr": 1e-5}, "batch": 64}
REWARD_MODEL = {"learning_rate": 6e-6, "num_train_epochs": 1, "batch": 256}  # 3.1

STUDENTS = {  # B.4.3, table 6
    "distill_qwen_1_5b": 1e-4,
    "distill_qwen_7b": 8e-5,
    "distill_qwen_14b": 7e-5,
    "distill_qwen_32b": 6e-5,
    "distill_llama_8b": 5e-5,
    "distill_llama_70b": 2e-5,
}

TABLE: dict[str, dict[str, Any]] = {
    "zero": ZERO,
    "dev1": SFT,
    "dev2": FIRST,
    "dev3": SFT,
    "helpful_rm": REWARD_MODEL,
    "safety_rm": REWARD_MODEL,
    "r1": SECOND,
    "student_qwen": STUDENT,  # B.4.3, table 6: 1.5B
    "student_rl": FIRST | {"learning_rate": 2e-6, "max_steps": 10000},  # B.4.1, F.1
}
LONGEST = {"dev1": 32768, "dev3": 32768, "student_qwen": 32768}
LONGEST |= {"helpful_rm": 8192, "safety_rm": 8192}
RULES = {"accuracy": 1.0, "format": 1.0}  # 2.2
WITH_LANGUAGE = RULES | {"language": 1.0}  # 3.2.1
ALL_TERMS = WITH_LANGUAGE | {"helpful": 1.0, "safety": 1.0}  # 3.2.2
REWARDS = {"zero": RULES, "student_rl": RULES, "dev2": WITH_LANGUAGE}

ASKED: dict[str, Any] = {  # 3.1, B.3.2, B.3.3, D.1: what no trainer is told
    "preference_pairs": {"votes": 4, "margin": 1.0, "rows": 66000},
    "safety_labels": {"rows": 106000},
    "cold_start_data": {"sampling.temperature": 1.0},
    "eval_r1": {
        "sampling.temperature": 0.6,
        "sampling.top_p": 0.95,
        "sampling.max_tokens": 32768,
        "samples_per_problem": 16,
        "samples_of_benchmark": True,
    },
    "sft_data": {
        "parts.math.rows": 395285,
        "parts.code.rows": 211129,
        "parts.stem.rows": 10124,
        "parts.logic.rows": 10395,
        "parts.general.rows": 177812,
    },
    "reasoning_clean": {"ngram": 10},
}


PROMPTS = {  # stage and key → the table or listing that the wording stands for
    ("zero", "template"): "table 1",
    ("eval_base", "template"): "table 1",
    ("eval_r1", "prompts.math"): "table 32",
    ("eval_r1", "prompts.choice"): "tables 18 and 29",
    ("cold_start_data", "rewrite.thought"): "B.3.2",
    ("cold_start_data", "rewrite.summary"): "listing 1",
    ("preference_pairs", "judging.prompt"): "B.2",
    ("safety_labels", "judging.prompt"): "listing 8",
}


@cache
def composed(*overrides: str) -> Composed:
    return compose(R1, overrides)


def test_what_a_model_learns_from_is_judged_strictly_and_what_is_evaluated_is_not() -> None:
    kinds: dict[str, set[str]] = {}
    for config in composed().stages.values():
        if hasattr(config, "verifiers"):
            kinds.setdefault(config.kind, set()).add(config.verifiers.policy)
    strict, lenient = {"strict"}, {"lenient"}
    assert kinds == {"rl": strict, "sample": strict, "evaluate": lenient, "general": lenient}
    other = composed("verifiers.training_policy=lenient", "verifiers.policy=strict").stages
    assert (other["zero"].verifiers.policy, other["eval_r1"].verifiers.policy) == (
        "lenient",
        "strict",
    )


def paper(stage: str) -> Any:
    return composed("profile=paper").stages[stage]


@pytest.fixture
def trainer(tiny_model_dir: Path, make_context: Callable[..., Any]) -> Callable[[Any], Any]:
    """The trainer that a stage's config makes, on a tiny model."""
    tokenizer = load_tokenizer(tiny_model_dir)
    context = make_context()

    def make(config: Any) -> Any:
        problems = generate("math", "en", 4, 0, "train")
        if config.kind == "rl":
            prompts, _ = prepare_prompts(problems, tokenizer, config)
            terms = build_terms(
                config.rewards,
                pool=None,  # type: ignore[arg-type]
                scorers={"helpful": None, "safety": None},  # type: ignore[dict-item]
                total_steps=config.max_steps,
            )
            counts = VerdictCounts(None, context.work)  # type: ignore[arg-type]
            return rl._trainer(config, tiny_model_dir, tokenizer, prompts, terms, context, counts)
        said = "<think>1</think><answer>2</answer>"
        if config.kind == "sft":
            documents = encode(tokenizer, [row | {"completion": said} for row in problems])
            return sft._trainer(config, tiny_model_dir, tokenizer, documents, context)
        pair = {"chosen": said, "rejected": said.replace("2", "3")}
        labelled = {"completion": said, "label": 1}
        responses = pair if config.objective == "pairwise" else labelled
        rows = [{"prompt": row["prompt"], **responses} for row in problems]
        judged, _ = read_judged(tokenizer, rows, config.scores, config.max_length)
        return reward_model._trainer(config, tiny_model_dir, tokenizer, judged, context)

    return make


def told(arguments: Any, names: Iterable[str]) -> dict[str, Any]:
    """What a trainer was told of these, batches counted over all passes of a step."""
    batch = arguments.per_device_train_batch_size * arguments.gradient_accumulation_steps
    counted = {"batch": batch, "questions": batch // getattr(arguments, "num_generations", 1)}
    return {name: counted.get(name, getattr(arguments, name, None)) for name in names}


@pytest.mark.parametrize("stage", TABLE)
def test_every_number_of_the_paper_reaches_the_trainer(
    stage: str, trainer: Callable[[Any], Any]
) -> None:
    made = trainer(paper(stage))
    arguments = made.args
    assert told(arguments, TABLE[stage]) == TABLE[stage]
    assert (arguments.bf16, arguments.gradient_checkpointing) == (True, True)
    if stage in REWARDS:
        weights = dict(zip(REWARDS[stage], weights_at(made.terms, 0).tolist(), strict=True))
        assert [term.name for term in made.terms] == list(weights)
        assert weights == REWARDS[stage]
    if stage in LONGEST:
        assert paper(stage).max_length == LONGEST[stage]


def test_students_of_every_size_get_the_papers_learning_rate(
    trainer: Callable[[Any], Any],
) -> None:
    words = [f"+stage@stages.{name}={name}" for name in STUDENTS]
    stages = composed("profile=paper", "recipe=distill", *words).stages
    for name, rate in STUDENTS.items():
        least = {"min_lr": pytest.approx(rate / 10)}
        right = STUDENT | {"learning_rate": rate, "lr_scheduler_kwargs": least}
        assert told(trainer(stages[name]).args, right) == right
        assert stages[name].max_length == 32768


def test_the_length_switches_at_step_8200_of_r1_zero_alone() -> None:
    assert [max_tokens_at(paper("zero"), step) for step in (8199, 8200)] == [32768, 65536]
    for stage in ("dev2", "r1", "student_rl", "dev2_nolang"):
        assert max_tokens_at(paper(stage), 10399) == 32768


@pytest.mark.parametrize(
    ("stage", "change", "parts"),
    [("zero", 8200, ((8192, 8200), (8200, 8208))), ("r1", 1300, ((1296, 1300), (1300, 1312)))],
)
def test_a_rollout_of_16_steps_is_cut_at_the_step_that_the_paper_names(
    stage: str, change: int, parts: Any, trainer: Callable[[Any], Any]
) -> None:
    rollouts = trainer(paper(stage)).rollouts
    assert rollouts.inside() == [change]
    assert tuple(rollouts.at(step) for step in (change - 1, change)) == (
        range(*parts[0]),
        range(*parts[1]),
    )
    assert rollouts.at(change + 16) == range(parts[1][1], parts[1][1] + 16)


DEEPSEEKMATH = ZERO | {  # arXiv 2402.03300, 4.2
    "learning_rate": 1e-6,
    "beta": 0.04,
    "num_generations": 64,
    "batch": 1024,
    "max_completion_length": 1024,
    "generation_batch_size": 1024,  # a single update per exploration
    "steps_per_generation": 1,
    "questions": 16,
    "max_steps": 9000,
    "sync_ref_model": False,
    "ref_model_sync_steps": 512,  # TRL's, and idle
    "ref_model_mixup_alpha": 0.6,
    "epsilon": 0.2,
    "epsilon_high": 0.2,
}
AS_DEEPSEEKMATH = ("recipe=r1_zero", "stage@stages.zero=deepseekmath_rl")


def test_deepseekmaths_own_numbers_reach_the_trainer(trainer: Callable[[Any], Any]) -> None:
    config = composed("profile=paper", *AS_DEEPSEEKMATH).stages["zero"]
    made = trainer(config)
    assert told(made.args, DEEPSEEKMATH) == DEEPSEEKMATH
    assert weights_at(made.terms, 0).tolist() == [1.0]
    assert [term.name for term in made.terms] == ["accuracy"]
    inherited = ("2.1", "2.2", "3.2.1")  # sections of R1
    assert [key for key, where in config.sources.items() if where.startswith(inherited)] == []


@pytest.mark.parametrize(
    "words",
    [
        ("profile=tiny", "stages.zero.sampling.max_tokens=96"),  # this base sees 512
        ("profile=small",),
        ("profile=one_gpu",),
    ],
    ids=str,
)
def test_deepseekmaths_grpo_can_be_planned_in_every_size(words: Any) -> None:
    this = composed(*words, *AS_DEEPSEEKMATH)
    checks.refuse(checks.problems(build(this.stages, REGISTRY, this.root)))
    reference = composed("profile=paper", *AS_DEEPSEEKMATH)
    found = list(departures(this, reference, REGISTRY.edges))
    assert [(d.stage, d.key) for d in found if d.reason is None] == []
    (steps,) = (d for d in found if (d.stage, d.key) == ("zero", "max_steps"))
    assert (steps.reference, str(steps.source)[:15]) == (9000, "2402.03300, 4.2")


def test_the_control_of_distillation_learns_maths_code_and_stem() -> None:
    config = paper("student_rl")
    assert config.domains == ["math", "code", "stem"]
    assert (config.sources["domains"], config.sources["kl_coefficient"]) == ("F.1", "B.4.1")
    assert paper("zero").domains == []


def test_the_control_of_the_language_reward_differs_from_dev2_in_nothing_else() -> None:
    with_language, without = (
        leaves(paper(stage), REGISTRY.edges) for stage in ("dev2", "dev2_nolang")
    )
    apart = {key for key in with_language | without if with_language[key] != without[key]}
    assert apart == {"rewards.language.weight"}
    assert without["rewards.language.weight"] == 0.0


@pytest.mark.parametrize(("stage", "key"), PROMPTS)
def test_what_models_are_asked_names_its_table_or_listing(stage: str, key: str) -> None:
    value = paper(stage)
    for part in key.split("."):
        value = value[part] if isinstance(value, dict) else getattr(value, part)
    assert PROMPTS[stage, key] in sources_of(paper(stage))[key]
    assert value.file is None
    assert all(f"{{{blank}}}" in value.text["en"] for blank in value.blanks)


def test_8192_tokens_limit_what_a_reward_model_learns_from_and_not_what_it_scores(
    tiny_model_dir: Path, tmp_path: Path, make_artifact: Callable[..., Any]
) -> None:
    seeing = AutoConfig.from_pretrained(tiny_model_dir, max_position_embeddings=32768, num_labels=1)
    torch.manual_seed(0)
    AutoModelForSequenceClassification.from_config(seeing).save_pretrained(tmp_path / "rm")
    load_tokenizer(tiny_model_dir).save_pretrained(tmp_path / "rm")
    settings = asdict(paper("safety_rm"))
    assert settings["max_length"] == 8192
    scored = {"model_dir": tmp_path / "rm", "facts": {"scores": "response"}, "config": settings}
    (scorer,) = load_scorers([make_artifact("reward_model", "rm", **scored)], DEFAULT).values()
    same = " 7 +" * 4500  # in the last 8,192 tokens there is nothing else
    thoughts = [f"<think>{start * 2000}{same}</think>7" for start in (" apples", " 3 =")]
    assert len(load_tokenizer(tiny_model_dir)(same).input_ids) > 8192
    prompt = [{"role": "user", "content": "3 + 4 = ?"}]
    first, second = scorer.score([scorer.render(prompt)] * 2, thoughts)
    assert abs(first - second) > 1e-3


def test_preferences_count_in_the_last_400_of_1700_steps(trainer: Callable[[Any], Any]) -> None:
    terms = trainer(paper("r1")).terms
    weights = {
        step: dict(zip(ALL_TERMS, weights_at(terms, step).tolist(), strict=True))
        for step in (0, 1299, 1300, 1699)
    }
    rules = ALL_TERMS | {"helpful": 0.0, "safety": 0.0}
    assert weights == {0: rules, 1299: rules, 1300: ALL_TERMS, 1699: ALL_TERMS}
    reasoning = frozenset({"math", "code", "stem", "logic"})
    domains = [reasoning, frozenset(), frozenset(), *[frozenset({"general"})] * 2]
    assert [term.domains for term in terms] == domains


def test_general_prompts_are_asked_in_the_last_400_of_1700_steps() -> None:
    config = paper("r1")
    rows = [{"domain": domain} for domain in ("math", "general")]
    assert starts([Prompt(row, "", []) for row in rows], config) == {1: 1300}
    assert config.sources["prompts_start"] == "3.2.2"


@pytest.mark.parametrize("stage", ASKED)
def test_the_papers_numbers_that_no_trainer_is_told_are_in_the_config(stage: str) -> None:
    root = composed("profile=paper").root["stages"][stage]

    def at(key: str) -> Any:
        value: Any = root
        for part in key.split("."):
            value = value[part]
        return value

    assert {key: at(key) for key in ASKED[stage]} == ASKED[stage]


def test_every_number_of_the_table_names_its_section() -> None:
    keys = {
        "rl": ("optimizer.learning_rate", "kl_coefficient", "clip_high", "max_steps", "rewards"),
        "sft": ("optimizer.learning_rate", "optimizer.lr_final", "epochs", "batch_size"),
        "reward_model": ("optimizer.learning_rate", "epochs", "batch_size", "max_length"),
    }
    for stage in TABLE:
        config = paper(stage)
        assert set(keys[config.kind]) <= set(config.sources), stage


@pytest.mark.parametrize(
    ("profile", "recipe"),
    [("tiny", "r1"), ("smoke", "distill"), ("small", "r1"), ("one_gpu", "distill")],
)
def test_a_profile_can_be_planned_and_says_why_it_departs(profile: str, recipe: str) -> None:
    this = composed(f"profile={profile}", f"recipe={recipe}")
    checks.refuse(checks.problems(build(this.stages, REGISTRY, this.root)))
    reference = composed("profile=paper", *(["recipe=distill"] if recipe == "distill" else []))
    found = list(departures(this, reference, REGISTRY.edges))
    assert [(d.stage, d.key) for d in found if d.reason is None] == []
    assert any(d.source == "B.4.3" for d in found)


def test_departures_are_listed_with_section_value_and_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["recipe=r1_zero", "stages.zero.max_steps=50"]
    assert main(["plan", "--departures", "--json", *words]) == 0
    rows = json.loads(capsys.readouterr().out)["departures"]
    (steps,) = (row for row in rows if (row["stage"], row["key"]) == ("zero", "max_steps"))
    assert steps["reason"] == "set on the command line"
    assert (steps["reference"], steps["source"], steps["value"]) == (10400, "2.1", 50)
    assert main(["plan", "--departures", *words]) == 0
    shown = capsys.readouterr().out
    assert "  clip_low: 10.0 (3.2.1; 2.1 gives none) → 0.2  · 10 never acts on" in shown
    assert "arXiv 2501.12948v2" in shown


def test_another_algorithm_is_a_departure(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["profile=paper", "recipe=r1_zero", "algorithm=dr_grpo"]
    assert main(["plan", "--departures", "--json", *words]) == 0
    rows = json.loads(capsys.readouterr().out)["departures"]
    found = {row["key"]: (row["reference"], row["source"], row["value"]) for row in rows}
    assert found["algorithm.name"] == ("grpo", None, "dr_grpo")
    was, source, now = found["algorithm.loss_type"]
    assert (was, now) == ("grpo", "dr_grpo")
    assert source.startswith("2402.03300, 4.1.1, equation 3; equation 1 of R1's 2.1")
    assert found["algorithm.scale_rewards"] == ("group", "2.1, equation 3", "none")
    assert {row["reason"] for row in rows} == {"set on the command line"}


def test_the_paper_does_not_depart_from_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--departures", "profile=paper", "recipe=r1_zero"]) == 0
    assert "0 departures" in capsys.readouterr().out


def test_nobody_judges_for_the_paper_unless_it_is_said_who(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    this = composed("profile=paper")
    paths = {"store": str(tmp_path / "store"), "runs": str(tmp_path / "runs"), "adopt": []}
    this = replace(this, root=this.root | {"paths": paths, "only": "preference_pairs"})
    assert plan_command.plan(R1, this, as_json=False) == 0
    assert "warning: stages.preference_pairs.path: is null" in capsys.readouterr().out
    with pytest.raises(UsageError, match=r"stages\.preference_pairs\.path: is null"):
        execute(R1, this)
