"""Thoughts whose tags a prompt opens, or a tokenizer has among its special tokens."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from stages.chat.template import CHAT_TEMPLATE, END_THINK, THINK
from stages.kinds.evaluate.config import EvaluateConfig
from stages.kinds.evaluate.run import run
from stages.kinds.general.kind import Thinking
from stages.rewriting.thinking import thought_jobs
from stages.rollout.engine import GenerationRequest
from stages.rollout.opening import open_engine
from stages.rows.schemas import read_rows
from stages.settings.generation import Rollout, Sampling
from tests.shipped import shipped

GREEDY = Sampling(temperature=0.0, max_tokens=40)
OPENING = CHAT_TEMPLATE.replace("<|assistant|>{%- endif -%}", "<|assistant|><think>\n{%- endif -%}")


def changed(model_dir: Path, folder: Path, change) -> Path:
    """The model with another tokenizer."""
    shutil.copytree(model_dir, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    change(tokenizer)
    tokenizer.save_pretrained(folder)
    return folder


def open_thoughts(tokenizer) -> None:
    tokenizer.chat_template = OPENING


def open_thoughts_at_once(tokenizer) -> None:
    tokenizer.chat_template = OPENING.replace("<think>\n", "<think>")


def hide_tags(tokenizer) -> None:
    tokenizer.add_special_tokens({"extra_special_tokens": [THINK, END_THINK]})


@pytest.mark.parametrize("change", [open_thoughts_at_once, hide_tags])
def test_an_evaluation_sees_the_same_thoughts_however_their_tags_come_about(
    able_model_dir, problems, make_artifact, make_context, tmp_path, change
):
    def evaluated(model_dir: Path, name: str) -> list[dict]:
        inputs = {
            "evaluates": (make_artifact("model", name, model_dir=model_dir),),
            "data_from": (make_artifact("problems", f"{name}-heldout", rows=problems[:4]),),
        }
        context = make_context(tmp_path / name)
        config = shipped(EvaluateConfig, "evaluate", sampling=GREEDY, samples_per_problem=1)
        facts = run(config, inputs, context).facts["overall"]
        assert facts["format"]["value"] > 0.7, name
        assert facts["thinking_length"]["value"] > 3
        return [
            {name: row[name] for name in ("completion", "reasoning", "answer", "score")}
            for row in read_rows(context.output / "samples.parquet")
        ]

    plain = evaluated(able_model_dir, "plain")
    assert evaluated(changed(able_model_dir, tmp_path / "model", change), "changed") == plain


def test_a_thought_that_a_prompt_opened_and_nobody_ended_holds_no_answer(able_model_dir, tmp_path):
    engine = open_engine(
        changed(able_model_dir, tmp_path / "m", open_thoughts), shipped(Rollout), 1
    )
    said = [{"role": "user", "content": "3+4=?"}]
    prompt = engine.tokenizer.apply_chat_template(said, add_generation_prompt=True)["input_ids"]
    cut = Sampling(temperature=0.0, max_tokens=2)
    ((completion,),) = engine.generate([GenerationRequest(prompt, 1, 0)], cut)
    assert completion.text.startswith(THINK)
    assert len(completion.token_ids) == 2


def test_a_thought_that_the_prompt_opens_is_not_opened_again(able_model_dir, tmp_path):
    row = {
        "id": "1", "domain": "general", "language": "en", "source": "tiny",
        "prompt": [{"role": "user", "content": "3+4=?"}], "completion": "7",
    }  # fmt: skip
    thinking = shipped(Thinking, prompt="{question}", samples_per_row=1)

    def prefix(model_dir: Path) -> tuple[int, ...]:
        (job,) = thought_jobs([row], AutoTokenizer.from_pretrained(model_dir), thinking, None)
        return job.prefix_ids

    assert len(prefix(able_model_dir)) == 1
    assert prefix(changed(able_model_dir, tmp_path / "m", open_thoughts)) == ()
