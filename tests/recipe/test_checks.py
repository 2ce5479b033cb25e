"""What cannot work is refused when the recipe is composed, all at once, before anything runs."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from stages.project import main

IMPOSSIBLE = {  # override → what is said of it
    "stages.zero.samples_per_question=1": "stages.zero.samples_per_question: is 1,",
    "stages.zero.sampling.temperature=0": "so all samples of a question are the same",
    "stages.zero.rewards.accuracy.domains=[poetry]": "they are of code, logic, math, stem",
    "stages.zero_weak.domains=[poetry]": "stages.zero_weak.domains: is ['poetry'], and no problem",
    "stages.zero.rewards.format.start=100": "the run has 60, so the term never acts",
    "+stages.zero.rewards={langage:{weight:1}}": "zero.rewards.langage: there is no such term",
    "stages.dev2.reference_sync_steps=3": "set reference_sync_steps to 0, or kl_coefficient above",
    "stages.dev2.steps_per_rollout=4": "stages.dev2.save_steps: is 25, inside a rollout of",
    "stages.dev2.optimizer.warmup_steps=60": "set it to e.g. 6",
    "stages.r1.parallel.processes=3": "which each need an equal share: set it to 30 or 33",
    "stages.r1.score_with=[helpful_rm]": "stages.r1.rewards.safety: needs a reward model",
    "+stages.r1.prompts_start.law=0.5": "stages.r1.prompts_start.law: no problem of data_from is",
    "stages.r1.prompts_start.general=60": "so these prompts are never asked: set",
    "stages.zero_weak.algorithm.name=ppo": "choose a whole one, e.g. algorithm=grpo",
    "stages.dev1.optimizer.lr_final=1": "above optimizer.learning_rate=0.001",
    "stages.dev3.row_tokens=128": "and max_length is 256, which a packed row must hold",
    "+lora@stages.dev3.lora=default": "stages.dev3.lora.rank: is 0",
    "stages.dev3.lora.rank=0": "set it to e.g. 16, or lora to null",
    "stages.helpful_rm.heldout_fraction=0": "some rows must be held out",
    "stages.base.sequence_length=1024": "shape.max_position_embeddings is 512",
    "stages.eval_r1.pass_at=[1,64]": "stages.eval_r1.pass_at: [64] is not between 1 and",
    "stages.eval_zero.sampling.temperature=-1": "stages.eval_zero.sampling.temperature: is -1: set",
    "stages.eval_zero.budgets=[-1]": "stages.eval_zero.budgets: has [-1]",
    "stages.eval_dev1.limit_problems=0": "stages.eval_dev1.limit_problems: is 0: set it to 1",
    "stages.eval_dev1.rollout.engine=llama": "'llama': expected one of transformers, vllm",
    "stages.eval_dev2.verifiers.policy=kind": "eval_dev2.verifiers.policy: there is no 'kind'",
    "stages.cold_start_data.filters=[ugly]": "stages.cold_start_data.filters: has ugly: expected",
    "stages.reasoning_data.strategy=clever": "stages.reasoning_data.strategy: is 'clever'",
    "stages.reasoning_data.sampling.top_p=0": "stages.reasoning_data.sampling.top_p: is 0",
    "stages.general_data.thinking.filters=[ugly]": "stages.general_data.thinking.filters: has ugly",
    "stages.sft_data.shares_of=words": "stages.sft_data.shares_of: is 'words'",
    "stages.heldout.split=test": "stages.heldout.split: is 'test': expected one of train, settling",
    "stages.heldout.languages=[en,fr]": "stages.heldout.languages: has fr: expected any of en, zh",
    "stages.safety_rm.objective=listwise": "stages.safety_rm.objective: is 'listwise'",
    "stages.dev3.overflow=cut": "stages.dev3.overflow: is 'cut': expected one of drop, split",
    "stages.dev3.optimizer.schedule=steps": "stages.dev3.optimizer.schedule: is 'steps'",
}


def said(capsys: pytest.CaptureFixture[str], code: int, *words: str) -> str:
    assert main(list(words)) == code
    captured = capsys.readouterr()
    return captured.err or captured.out


pytestmark = pytest.mark.usefixtures("own_folder")


@pytest.mark.parametrize("verb", ["plan", "run"])
def test_everything_that_cannot_work_is_listed_with_its_key_and_a_value_that_does(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(capsys, 2, verb, *IMPOSSIBLE)
    assert [words for words in IMPOSSIBLE.values() if words not in text] == []
    assert f"{len(IMPOSSIBLE) - 1} things cannot work as they are set" in text
    assert not list(tmp_path.glob("outputs/runs/*")), "nothing ran"


@pytest.mark.skipif(find_spec("vllm") is not None, reason="vLLM is installed here")
def test_an_engine_that_is_not_installed_is_told_by_the_plan_and_refused_by_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("recipe=r1_zero", "rollout=vllm")
    planned = " ".join(said(capsys, 0, "plan", *words).split())
    assert "rollout.engine: is `vllm`, which is not installed here: `make vllm`" in planned
    text = said(capsys, 2, "run", *words)
    assert "stages.zero.rollout.engine: is `vllm`" in text
    assert "(so in eval_base, eval_zero)" in text
    assert not list(tmp_path.glob("outputs/runs/*")), "nothing ran"


@pytest.mark.parametrize("verb", ["plan", "run"])
@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("stages.heldout.format=gsm9k", "heldout.format: is 'gsm9k': expected one of gsm8k"),
        ("stages.heldout.preference=kind", "heldout.preference: is 'kind': expected one of"),
        ("stages.heldout.without_reference=skip", "heldout.without_reference: is 'skip'"),
        ("stages.heldout.limit=0", "heldout.limit: is 0: set it to 1 or more"),
        ("stages.human_cot.domain=maths", "human_cot.domain: is 'maths': expected one of math"),
        ("stages.human_cot.verifier=oracle", "human_cot.verifier: is 'oracle': expected one of"),
        ("+stages.human_cot.columns.answer=a", "human_cot.columns: has answer: expected any of"),
        ("stages.sft_data.data_from=[dev2]", "needs an input of type `conversations`, `samples`"),
        ("stages.dev3.data_from=[]", "needs an input of type `conversations`, `samples`"),
        ("stages.helpful_rm.data_from=[]", "needs an input of type `labels`, `preferences`"),
        (
            "stages.reasoning_data.data_from=[dev2,dev1,reasoning_clean]",
            "found 2 stages of type `model` (dev2, dev1), expected at most 1",
        ),
        ("stages.eval_zero.data_from=[]", "needs an input of type `problems`"),
        ("stages.sft_data.parts.math.domains=[maths]", "parts.math.domains[0]: is 'maths'"),
        ("stages.sft_data.parts.math.stages=[dev9]", "parts.math.stages[0]: is 'dev9'"),
        ("stages.zero.validation.policy=kind", "zero.validation.policy: is 'kind': expected"),
        ("stages.zero.compute_as=base", "zero.compute_as: is base, of kind pretrain, which"),
    ],
)
def test_what_a_stage_would_refuse_when_it_runs_is_refused_before_the_first_one_trains(
    verb: str, word: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    brought = ["data@stages.heldout=gsm8k", "data@stages.human_cot=long_cot"]
    text = said(capsys, 2, verb, *brought, "stages.human_cot.path=org/rows", word)
    assert message in text
    assert not list(tmp_path.glob("outputs/runs/*")), "nothing ran"


def test_the_plan_has_the_numbers_that_an_algorithm_trains_with(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ("recipe=r1_zero", "profile=paper", "algorithm=dpo", "--json")
    (zero,) = (
        s for s in json.loads(said(capsys, 0, "plan", *words))["stages"] if s["stage"] == "zero"
    )
    assert zero["numbers"]["completions per rollout"] == 512  # DPO's rollouts are one step long


def test_steps_below_1_are_not_mended_by_fewer_steps_of_warming_up(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = said(capsys, 2, "plan", "stages.zero.max_steps=-5")
    assert text == "error: stages.zero.max_steps: is -5: set it to 1 or more\n"


def test_a_reward_model_for_queries_that_no_data_set_declares_is_refused_with_what_to_set(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("asked.jsonl").write_text("")
    one = [
        "data@stages.general_prompts=problems",
        "stages.general_prompts.path=asked.jsonl",
    ]
    kind = "stages.general_prompts.preference=helpful"
    text = said(capsys, 2, "plan", *one, kind)
    assert (
        "stages.r1.rewards.safety: scores safety queries only, and what data_from gives is" in text
    )
    assert "stages.r1.rewards.helpful" not in text
    said(capsys, 0, "plan", *one)  # its rows may say it each for itself
    other = [word.replace("general_prompts", "harmless_prompts") for word in one]
    both = "stages.general_clean.data_from=[general_prompts,harmless_prompts]"
    safety = "stages.harmless_prompts.preference=safety"
    said(capsys, 0, "plan", *one, kind, f"+{other[0]}", other[1], safety, both)


def test_adapters_with_a_reference_that_is_replaced_are_no_problem(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ("recipe=r1_zero", "+lora@stages.zero.lora=default", "stages.zero.kl_coefficient=0.1")
    assert "zero" in said(capsys, 0, "plan", *words, "stages.zero.reference_sync_steps=4")


def test_a_section_that_is_null_is_said_to_need_a_group(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = said(capsys, 2, "plan", "recipe=r1_zero", "stages.zero.lora.rank=8")
    assert "stages.zero.lora: it is null" in text
    assert "+GROUP@stages.zero.lora=NAME" in text
