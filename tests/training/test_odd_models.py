"""Other families of models through the stages: taken, sampled, trained by SFT and RL, published."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from pipeline.context import Context
from pipeline.errors import UsageError
from stages.chat.encoding import token_ids
from stages.chat.template import render_prompt
from stages.kinds.evaluate import run as evaluate
from stages.kinds.evaluate.config import EvaluateConfig
from stages.kinds.pretrained import run as pretrained
from stages.kinds.pretrained.kind import ModelContext, PretrainedConfig
from stages.kinds.rl import run as rl
from stages.kinds.rl.config import Algorithm, RewardTerm, RLConfig
from stages.kinds.sample import run as sample
from stages.kinds.sample.config import SampleConfig
from stages.kinds.sft import run as sft
from stages.kinds.sft.kind import SFTConfig
from stages.rl import policy_weights
from stages.rollout.collective import HERE, Sender
from stages.rollout.engine import GenerationRequest
from stages.rollout.opening import open_engine
from stages.rollout.speech import Speech
from stages.settings.generation import Rollout, Sampling
from stages.settings.training import Optimizer
from stages.supervised.documents import IGNORED, encode
from stages.tiny.problems import generate
from stages.training.common import load_tokenizer
from tests.shipped import shipped
from tests.training.odd_models import FAMILIES

QUESTIONS = ("3 + 4 = ?", "1+1=?", "小明有三个苹果，又买了四个，一共有几个？")
GREEDY = Sampling(temperature=0.0, max_tokens=24)
FREE = Sampling(temperature=1.0, max_tokens=16)
PROBLEMS = generate("math", "en", 2, 0, "train")
ROWS = [
    {
        "id": str(number),
        "prompt": [{"role": "user", "content": question}],
        "completion": f"<think>{number} + 1</think>{number + 1}",
        "domain": "math",
        "language": "en",
        "source": "tiny",
    }
    for number, question in enumerate(QUESTIONS)
]
PLAIN = {"seed": 0, "optimizer": Optimizer(learning_rate=1e-3)}
EXACT = shipped(Rollout, dtype="float32")


@pytest.fixture(scope="module", params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def base(family: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `pretrained` publishes of the family's checkpoint."""
    folder = tmp_path_factory.mktemp(family)
    context = Context("base", "f" * 16, folder / "work", folder / "output", 0, 1, folder / "s")
    context.work.mkdir()
    context.output.mkdir()
    source = FAMILIES[family].write(folder / "source")
    facts = pretrained.run(PretrainedConfig(path=str(source)), {}, context).facts
    assert facts["chat_template"] == "model"
    assert facts["positions"] == 512
    return context.output / "model"


def policy_settings(**more: Any) -> RLConfig:
    return shipped(
        RLConfig,
        "rl",
        rewards={"language": RewardTerm(1.0), "format": RewardTerm(1.0)},
        sampling=FREE,
        questions_per_step=2,
        samples_per_question=4,
        max_prompt_tokens=300,
        kl_coefficient=0.001,  # so that every row is run: their rewards are equal
        checking_words=["wait"],
        **PLAIN,
        **more,
    )


def asked(engine: Any, n: int = 1) -> list[GenerationRequest]:
    texts = [render_prompt(engine.tokenizer, row["prompt"]) for row in ROWS]
    ids = token_ids(engine.tokenizer, texts)
    return [GenerationRequest(prompt, n, 100 * i) for i, prompt in enumerate(ids)]


def test_our_decode_loop_says_what_the_model_itself_says(base: Path) -> None:
    """Greedy tokens and log-probabilities of each prompt alone, by transformers' own attention."""
    engine = open_engine(base, EXACT, threads=1)
    plain = AutoModelForCausalLM.from_pretrained(
        base, dtype=torch.float32, attn_implementation="eager"
    )
    for request, (said,) in zip(asked(engine), engine.generate(asked(engine), GREEDY), strict=True):
        ids = torch.tensor([request.prompt_ids])
        expected = plain.generate(ids, do_sample=False, max_new_tokens=24)[0, ids.shape[1] :]
        assert said.token_ids == expected.tolist()
        whole = torch.cat([ids[0], expected])[None]
        with torch.no_grad():
            logps = plain(whole).logits[0, ids.shape[1] - 1 : -1].log_softmax(-1)
        found = logps.gather(-1, expected[:, None])[:, 0]
        torch.testing.assert_close(torch.tensor(said.logprobs), found, atol=2e-5, rtol=1e-4)


def test_samples_are_the_same_in_any_batch(base: Path) -> None:
    engine: Any = open_engine(base, EXACT, threads=1)
    together = engine.generate(asked(engine, 4), FREE)
    engine.batch_tokens = 1
    alone = engine.generate(asked(engine, 4), FREE)
    assert [[c.token_ids for c in g] for g in alone] == [[c.token_ids for c in g] for g in together]


def test_weights_by_broadcast_are_those_of_a_folder_and_are_loaded_as_they_are(
    base: Path, tmp_path: Path
) -> None:
    engine: Any = open_engine(base, EXACT, threads=1)
    policy_weights.write(engine.model, engine.tokenizer, tmp_path, torch.float32)
    sent = policy_weights.tensors(engine.model, torch.float32)
    saved = load_file(tmp_path / "model.safetensors")
    assert sent.keys() == saved.keys()
    assert all(torch.equal(sent[name], tensor) for name, tensor in saved.items())
    before = {name: value.clone() for name, value in engine.model.state_dict().items()}
    for weight in engine.model.parameters():
        weight.data.zero_()
    with Sender(saved, HERE, receivers=1) as sender, ThreadPoolExecutor(1) as beside:
        done = beside.submit(sender.send)
        engine.receive(sender.meeting, 1)
        done.result()
    after = engine.model.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


@pytest.mark.parametrize("form", ["of now", "as published"])
def test_of_gemma_3_the_layers_that_see_all_are_stretched(
    form: str, make_context: Any, tmp_path: Path
) -> None:
    """As published it names its class's window not at all, and its scaling by itself."""
    source = FAMILIES["gemma3"].write(tmp_path / "gemma3")
    facts = json.loads((source / "config.json").read_text())
    if form == "as published":
        for name in ("max_position_embeddings", "rope_parameters"):
            facts["text_config"].pop(name)
        facts["text_config"]["rope_scaling"] = {"rope_type": "linear", "factor": 8.0}
        (source / "config.json").write_text(json.dumps(facts))
    window = 512 if form == "of now" else 131072
    wider = ModelContext(rope_scaling={"rope_type": "linear", "factor": 16})
    config = PretrainedConfig(path=str(source), context=wider)
    context = make_context()
    assert pretrained.run(config, {}, context).facts["positions"] == 2 * window
    text = AutoConfig.from_pretrained(context.output / "model").text_config
    assert text.max_position_embeddings == 2 * window
    ropes = text.rope_parameters
    assert ropes["full_attention"] == {"rope_type": "linear", "factor": 16.0, "rope_theta": 1e6}
    assert ropes["sliding_attention"] == {"rope_type": "default", "rope_theta": 1e4}


def test_of_a_tokenizer_without_an_end_the_one_that_its_model_names_is_told(
    make_context: Any, tmp_path: Path
) -> None:
    source = FAMILIES["llama3"].write(tmp_path / "llama3")
    told = json.loads((source / "tokenizer_config.json").read_text())
    told.pop("eos_token")
    (source / "tokenizer_config.json").write_text(json.dumps(told))
    with pytest.raises(UsageError, match=r'no eos_token.* e\.g\. "eos_token": "<\|eot_id\|>"'):
        pretrained.run(PretrainedConfig(path=str(source)), {}, make_context(stage="base"))


def test_thoughts_are_learnt_whatever_the_template_shows_and_a_text_begins_once(
    base: Path,
) -> None:
    tokenizer = load_tokenizer(base)
    documents = encode(tokenizer, ROWS)
    learnt = [[label for label in one.labels if label != IGNORED] for one in documents]
    assert Speech(tokenizer).texts([[]] * 3, learnt) == [row["completion"] for row in ROWS]
    assert {labels[-1] for labels in learnt} == {tokenizer.eos_token_id}
    begins = [one.input_ids.count(tokenizer.bos_token_id) for one in documents]
    assert begins == ([1] * 3 if tokenizer.bos_token_id is not None else [0] * 3)


def test_it_is_trained_sampled_and_published(
    family: str, base: Path, make_artifact: Any, make_context: Any, tmp_path: Path
) -> None:
    data = make_artifact("conversations", "data", rows=ROWS)
    problems = make_artifact("problems", "problems", rows=PROBLEMS)
    start = make_artifact("model", "base", model_dir=base)
    settings = shipped(SFTConfig, "sft", epochs=2, batch_size=3, **PLAIN)
    taught = make_context(tmp_path / "taught")
    facts = sft.run(settings, {"init_from": (start,), "data_from": (data,)}, taught).facts
    assert facts["steps"] == 2
    student = make_artifact("model", "student", model_dir=taught.output / "model")
    learnt = make_context(tmp_path / "learnt")
    rl.run(
        policy_settings(max_steps=2), {"init_from": (student,), "data_from": (problems,)}, learnt
    )
    points = [json.loads(line) for line in (learnt.work / "metrics.jsonl").read_text().splitlines()]
    assert [point["step"] for point in points] == [1, 2]
    assert all(point["sampling_logp_difference"] < 1e-4 for point in points)
    folder = learnt.output / "model"
    policy = make_artifact("model", "policy", model_dir=folder)
    drawn = shipped(
        SampleConfig, "sample", sampling=FREE, strategy="fixed", filters=[], samples_per_problem=2
    )
    found = sample.run(drawn, {"data_from": (policy, problems)}, make_context(tmp_path / "s"))
    assert found.funnel["sampled"] == 4
    asks = shipped(EvaluateConfig, "evaluate", sampling=FREE, samples_per_problem=2, pass_at=[1])
    told = evaluate.run(
        asks, {"evaluates": (policy,), "data_from": (problems,)}, make_context(tmp_path / "e")
    )
    assert told.facts["problems"] == 2
    _same_kind(base, folder)


@pytest.fixture
def balanced(make_artifact: Any, tmp_path: Path) -> Any:
    """A mixture of experts whose balance is nearly all of the loss."""
    source = FAMILIES["qwen3_moe"].write(tmp_path / "moe")
    config = json.loads((source / "config.json").read_text())
    (source / "config.json").write_text(json.dumps(config | {"router_aux_loss_coef": 100.0}))
    return make_artifact("model", "base", model_dir=source)


@pytest.mark.parametrize("loss", ["grpo", "dapo"])
def test_in_rl_the_balance_of_experts_weighs_the_same_in_any_number_of_passes(
    loss: str, balanced: Any, make_artifact: Any, make_context: Any, tmp_path: Path
) -> None:
    problems = make_artifact("problems", "problems", rows=PROBLEMS)
    losses = []
    for rows in (8, 1):
        context = make_context(tmp_path / str(rows))
        settings = policy_settings(
            max_steps=1, micro_batch=rows, algorithm=shipped(Algorithm, loss_type=loss)
        )
        rl.run(settings, {"init_from": (balanced,), "data_from": (problems,)}, context)
        losses.append(json.loads((context.work / "metrics.jsonl").read_text())["loss"])
    assert losses[0] > 100
    assert losses[1] == pytest.approx(losses[0], rel=0.1)


def test_the_balance_of_experts_weighs_the_same_in_any_number_of_passes(
    balanced: Any, make_artifact: Any, make_context: Any, tmp_path: Path
) -> None:
    """A step in three passes has the mean of their losses: next to that of one pass, not thrice."""
    data = make_artifact("conversations", "data", rows=ROWS)
    losses = []
    for rows in (3, 1):
        context = make_context(tmp_path / str(rows))
        settings = shipped(SFTConfig, "sft", epochs=1, batch_size=3, micro_batch=rows, **PLAIN)
        sft.run(settings, {"init_from": (balanced,), "data_from": (data,)}, context)
        losses.append(json.loads((context.work / "metrics.jsonl").read_text())["loss"])
    assert losses[0] > 100  # the balance is nearly all of it
    assert losses[1] == pytest.approx(losses[0], rel=0.1)
    published = json.loads((context.output / "model" / "config.json").read_text())
    assert published["output_router_logits"] is False


def ends(model: Any) -> list[int]:
    found = model.generation_config.eos_token_id
    return found if isinstance(found, list) else [found]


def _same_kind(base: Path, folder: Path) -> None:
    """What is published is the family's own model: config, tokens, ends, shapes and ties."""
    before, after = (json.loads((place / "config.json").read_text()) for place in (base, folder))
    moved = {"dtype", "transformers_version", "use_cache", "text_config", "vision_config"}
    assert {k: v for k, v in after.items() if k not in moved} == {
        k: v for k, v in before.items() if k not in moved
    }
    model, first = (AutoModelForCausalLM.from_pretrained(place) for place in (folder, base))
    assert ends(model) == ends(first)
    shapes = [{n: p.shape for n, p in one.named_parameters()} for one in (model, first)]
    assert shapes[0] == shapes[1]
    moved_weights = [
        n
        for (n, p), q in zip(model.named_parameters(), first.parameters(), strict=True)
        if not torch.equal(p.float(), q.float())
    ]
    assert moved_weights
    tokens, own = (AutoTokenizer.from_pretrained(place) for place in (folder, base))
    assert tokens.chat_template == own.chat_template
    assert tokens.eos_token == own.eos_token
