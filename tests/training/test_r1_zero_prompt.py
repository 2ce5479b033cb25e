"""R1-Zero's base never met the tokens of a chat: a text asks it, and the model that it becomes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tokenizers import processors
from transformers import AutoTokenizer

from pipeline.compose import compose
from stages.chat.prompt_texts import texts
from stages.chat.text_template import chat_template
from stages.kinds.evaluate import run as evaluate
from stages.kinds.evaluate.config import EvaluateConfig
from stages.kinds.pretrain.kind import ModelShape
from stages.kinds.pretrained import run as pretrained
from stages.kinds.pretrained.kind import PretrainedConfig
from stages.kinds.rl import run as rl
from stages.kinds.rl.config import RewardTerm, RLConfig
from stages.project import R1
from stages.rollout.transformers_engine import TransformersEngine
from stages.sampling.ledger import key_of
from stages.settings.generation import Sampling
from stages.settings.prompts import Prompt
from stages.settings.training import Optimizer
from stages.tiny.problems import generate
from tests.shipped import shipped

END, BEGIN = "<|endoftext|>", "<|begin_of_text|>"
QUESTIONS = generate("math", "en", 2, 0, "train") + generate("math", "zh", 1, 0, "train")


@pytest.fixture(scope="module")
def template() -> Prompt:
    """What the paper's preset asks R1-Zero's base."""
    found = compose(R1, ["profile=paper", "recipe=r1_zero"]).stages["zero"].template
    assert isinstance(found, Prompt)
    return found


@pytest.fixture(scope="module", params=["qwen2", "llama"])
def base_dir(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained base with no token but its end, and Llama's kind with one at the beginning."""
    import torch

    from stages.tiny.model import build_model
    from stages.tiny.tokenizer import build_tokenizer
    from tests.conftest import TEXTS

    tokenizer = build_tokenizer(TEXTS * 20, vocab_size=512)
    tokenizer.chat_template = None
    names = {"eos_token": END, "pad_token": END, "unk_token": None}
    if request.param == "llama":
        names["bos_token"] = BEGIN
    tokenizer.add_special_tokens({name: token for name, token in names.items() if token})
    if request.param == "llama":
        tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{BEGIN} $A", special_tokens=[(BEGIN, tokenizer.bos_token_id)]
        )
    shape = ModelShape(request.param, 64, 128, num_layers=2, num_heads=4, num_kv_heads=2)
    torch.manual_seed(0)
    directory = tmp_path_factory.mktemp(request.param) / "model"
    build_model(shape, tokenizer).save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    return directory


def written(template: Prompt, tokenizer: Any) -> list[list[int]]:
    """The ids of every question in the text, as the tokenizer writes a text by itself."""
    (text,) = texts(template, "template").values()
    asked = [text.replace("{question}", row["prompt"][0]["content"]) for row in QUESTIONS]
    return [tokenizer(one).input_ids for one in asked]


def test_the_base_is_asked_by_the_text_as_written_and_so_is_the_model_that_rl_publishes(
    base_dir: Path,
    template: Prompt,
    make_context: Callable[..., Any],
    make_artifact: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bare = AutoTokenizer.from_pretrained(base_dir)
    assert bare.chat_template is None
    expected = written(template, bare)
    assert all(ids.count(bare.bos_token_id) == (bare.bos_token_id is not None) for ids in expected)
    read: list[list[int]] = []
    real = TransformersEngine.stream

    def stream(self: Any, requests: Any, sampling: Any) -> Any:
        read.extend(request.prompt_ids for request in requests)
        return real(self, requests, sampling)

    monkeypatch.setattr(TransformersEngine, "stream", stream)
    adopted = make_context(tmp_path / "base")
    pretrained.run(PretrainedConfig(path=str(base_dir)), {}, adopted)
    data = make_artifact("problems", "problems", rows=QUESTIONS)
    base = make_artifact("model", "base", model_dir=adopted.output / "model")
    trained = make_context(tmp_path / "zero")
    rl.run(
        shipped(
            RLConfig,
            "rl",
            rewards={"format": RewardTerm(1.0)},
            optimizer=Optimizer(learning_rate=1e-3),
            sampling=Sampling(1.0, max_tokens=8),
            max_steps=1,
            questions_per_step=3,
            samples_per_question=2,
            max_prompt_tokens=500,
            template=template,
            seed=0,
        ),
        {"init_from": (base,), "data_from": (data,)},
        trained,
    )
    assert sorted(set(map(tuple, read))) == sorted(map(tuple, expected))

    published = AutoTokenizer.from_pretrained(trained.output / "model")
    rendered = published.apply_chat_template(
        [row["prompt"] for row in QUESTIONS], add_generation_prompt=True, return_dict=False
    )
    assert rendered == expected
    zero = make_artifact("model", "zero", model_dir=trained.output / "model")
    for model, asks in ((zero, None), (base, template)):
        context = make_context(tmp_path / f"eval_{model.stage}")
        sampling = Sampling(1.0, max_tokens=4)
        config = shipped(
            EvaluateConfig,
            "evaluate",
            sampling=sampling,
            samples_per_problem=1,
            template=asks,
            seed=0,
        )
        evaluate.run(config, {"evaluates": (model,), "data_from": (data,)}, context)
        (shard,) = context.shared.glob("*/samples/*/*.parquet")
        asked = set(pq.read_table(shard)["prompt"].to_pylist())
        assert asked == {key_of(ids) for ids in expected}


@pytest.mark.parametrize(
    "text",
    ["User: {question}\nAssistant:", "{question}",
     "{% if x %} {{ y }} ANSWERS \\n \"'\n\n{question}{",
     "请回答：{question} 😀\n助手：", "ONCE\r\n\tASKS {question}\n\n"],
)  # fmt: skip
def test_a_text_is_rendered_letter_by_letter(text: str, tiny_model_dir: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model_dir)
    tokenizer.chat_template = chat_template(text)
    question = "{{ 1 }} {question} {% raw %}"
    shown = tokenizer.apply_chat_template(
        [{"role": "user", "content": question}], tokenize=False, add_generation_prompt=True
    )
    assert shown == text.replace("{question}", question, 1)


def test_more_messages_follow_the_text(tiny_model_dir: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model_dir)
    tokenizer.chat_template = chat_template("A talk.\n\nUser: {question}\nAssistant:")
    turns = [("system", "Be short."), ("user", "3+4?"), ("assistant", " 7"), ("user", "Sure?")]
    shown = tokenizer.apply_chat_template(
        [{"role": role, "content": content} for role, content in turns],
        tokenize=False,
        add_generation_prompt=True,
    )
    assert shown == (
        "Be short.\n\nA talk.\n\nUser: 3+4?\nAssistant: 7<|end|>\nUser: Sure?\nAssistant:"
    )
