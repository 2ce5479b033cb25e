"""The final RL's general queries: each scored by the reward model of its kind, and read whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForSequenceClassification

from pipeline.errors import RecipeError, UsageError
from stages.kinds.rl import run as rl
from stages.kinds.rl.config import LengthSwitch, RewardTerm, RLConfig
from stages.rewards.preference import Scorer
from stages.settings.generation import Sampling
from stages.settings.training import Optimizer
from stages.tiny.problems import generate
from stages.training import common
from tests.shipped import shipped

READS = {"helpful_rm": "answer", "safety_rm": "response"}


def config(**changes: Any) -> RLConfig:
    general = {name: RewardTerm(1.0, domains=["general"]) for name in ("helpful", "safety")}
    base: dict[str, Any] = {
        "kind": "rl",
        "seed": 3,
        "rewards": {"format": RewardTerm(1.0), **general},
        "optimizer": Optimizer(learning_rate=1e-3),
        "sampling": Sampling(1.0, max_tokens=24),
        "max_steps": 1,
        "questions_per_step": 6,
        "samples_per_question": 2,
        "max_prompt_tokens": 200,
        "kl_rows": 0,
    }
    return shipped(RLConfig, **(base | changes))


def queries(kind: str, count: int = 2) -> list[dict[str, Any]]:
    asked = generate("general", "en", 60, 0, "train")
    return [row for row in asked if json.loads(row["metadata"])["preference"] == kind][:count]


@pytest.fixture
def inputs(
    speaking_inputs: dict[str, Any], make_artifact: Callable[..., Any], tmp_path: Path
) -> Callable[..., dict[str, Any]]:
    """`inputs(rows, window)`: general rows beside maths, and two untrained reward models."""

    def make(rows: list[dict[str, Any]], window: int = 512) -> dict[str, Any]:
        (base,) = speaking_inputs["init_from"]
        judges = []
        for name, reads in READS.items():
            folder = tmp_path / name
            model = AutoModelForSequenceClassification.from_pretrained(
                base.model_path, num_labels=1, max_position_embeddings=window
            )
            model.save_pretrained(folder)
            common.load_tokenizer(base.model_path).save_pretrained(folder)
            facts = {"scores": reads, "score_mean": 0.0, "score_std": 1.0}
            judges.append(make_artifact("reward_model", name, model_dir=folder, facts=facts))
        general = make_artifact("problems", "general_clean", rows=rows)
        data = (*speaking_inputs["data_from"], general)
        return speaking_inputs | {"data_from": data, "score_with": tuple(judges)}

    return make


def test_a_helpfulness_query_and_a_safety_query_get_one_reward_each(
    inputs: Callable[..., Any], make_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, list[tuple[str, float]]] = {"answer": [], "response": []}
    score = Scorer.score

    def noted(self: Scorer, prompts: list[str], completions: list[str]) -> list[float]:
        scores = score(self, prompts, completions)
        seen[self.reads] += zip(prompts, scores, strict=True)
        return scores

    monkeypatch.setattr(Scorer, "score", noted)
    help_, safe = queries("helpful"), queries("safety")
    rl.run(config(questions_per_step=14), inputs([*help_, *safe]), context := make_context())
    for reads, rows in (("answer", help_), ("response", safe)):
        asked = {row["prompt"][0]["content"] for row in rows}
        shown = {prompt for prompt, _ in seen[reads]}
        assert len(shown) == len(asked) == 2
        assert all(any(text in prompt for text in asked) for prompt in shown)
    (point,) = map(json.loads, (context.work / "metrics.jsonl").read_text().splitlines())
    for reads, term in (("answer", "helpful"), ("response", "safety")):
        scores = [one for _, one in seen[reads]]
        assert point[f"reward/{term}"] == pytest.approx(sum(scores) / len(scores))
        assert point[f"too_long/{term}"] == 0


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({}, "says nothing"),
        ({"preference": ["helpful", "safety"]}, r"says \['helpful', 'safety'\]"),
    ],
    ids=["neither", "both"],
)
def test_a_general_row_that_is_neither_or_both_is_named_with_what_to_write(
    said: dict[str, Any], shown: str, inputs: Callable[..., Any], make_context: Any
) -> None:
    (row,) = queries("helpful", 1)
    facts = {"constraints": json.loads(row["metadata"])["constraints"]} | said
    wrong = row | {"id": "mine-000007", "source": "file", "metadata": json.dumps(facts)}
    rows = [*queries("helpful"), *queries("safety"), wrong]
    message = (
        r"stages\.stage\.data_from: 1 of 5 rows of general_clean .* mine-000007 \(domain general, "
        rf"source file\) {shown}.*column `preference`, or set `preference` of the `dataset` stage"
    )
    given = inputs(rows)
    with pytest.raises(RecipeError, match=message):
        rl.run(config(), given, make_context())
    rules = config(rewards={"format": RewardTerm(1.0)})
    rl.run(rules, given, make_context())  # no reward model acts: no need to say


def test_completions_that_a_reward_model_cannot_see_whole_are_refused_with_what_fits(
    inputs: Callable[..., Any], make_context: Any
) -> None:
    given = inputs([*queries("helpful"), *queries("safety")], window=80)
    longer = config(length_switches=[LengthSwitch(step=0, max_tokens=79)])
    with pytest.raises(
        UsageError, match=r"stages\.stage\.length_switches\[0\]\.max_tokens is 79"
    ) as at:
        rl.run(longer, given, make_context())
    said = str(at.value)
    assert "helpful_rm, which scores `helpful`, sees 80 (max_position_embeddings)" in said
    fits = int(said.split("length_switches to ")[1].split(" ")[0])
    assert 24 < fits < 79
    rl.run(config(sampling=Sampling(1.0, max_tokens=fits)), given, make_context())
