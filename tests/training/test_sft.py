"""Supervised fine-tuning: what is learnt, how it is packed, how it resumes."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from pipeline.errors import RecipeError, UsageError
from stages.chat.template import render_prompt
from stages.kinds.pretrain.kind import ModelShape
from stages.kinds.sft import run as sft
from stages.kinds.sft.kind import SFTConfig
from stages.settings.training import Lora, Optimizer
from stages.supervised.batches import Layout, Passes
from stages.supervised.documents import IGNORED, Document, encode, fit, pack
from stages.tiny.model import build_model
from stages.tiny.tokenizer import save_tokenizer
from stages.training import checkpoints
from stages.verifiers.answer import parse
from tests.shipped import shipped


def conversation(number: int, answer: str = "", source: str = "tiny") -> dict[str, Any]:
    return {
        "id": f"r{number}",
        "domain": "math",
        "language": "en",
        "prompt": [{"role": "user", "content": f"{number} + 1 = ?"}],
        "completion": answer or f"<think>{number} + 1</think><answer>{number + 1}</answer>",
        "source": source,
    }


def settings(**changes: Any) -> SFTConfig:
    values: dict[str, Any] = {
        "optimizer": Optimizer(learning_rate=1e-3, lr_final=1e-4, schedule="cosine"),
        "epochs": 2.0,
        "batch_size": 8,
        "max_length": 64,
        "micro_batch": 4,
        "save_steps": 2,
        "seed": 3,
    }
    return shipped(SFTConfig, **{**values, **changes})


def weights(context: Any) -> dict[str, torch.Tensor]:
    return load_file(context.output / "model" / "model.safetensors")


def curve(context: Any, name: str) -> list[float]:
    lines = (context.work / "metrics.jsonl").read_text().splitlines()
    return [point[name] for point in map(json.loads, lines) if name in point]


def test_labels_are_the_completion_and_its_end_token_alone(tiny_model_dir: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model_dir)
    [document] = encode(tokenizer, [conversation(3)], "Think first.")
    learnt = [token for token in document.labels if token != IGNORED]
    text = "<think>3 + 1</think><answer>4</answer><|end|>"
    assert tokenizer.decode(learnt) == text
    whole = f"<|system|>Think first.<|user|>3 + 1 = ?<|assistant|>{text}"
    assert tokenizer.decode(document.input_ids) == whole
    assert document.labels[-len(learnt) :] == learnt


def test_gradient_of_a_step_ignores_what_the_user_said(tiny_model_dir: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model_dir)
    document = encode(tokenizer, [conversation(3)])[0]
    batch = Layout(tokenizer.pad_token_id)([vars(document)])
    prompt = sum(label == IGNORED for label in document.labels)
    assert (batch["labels"][0, :prompt] == IGNORED).all()
    assert batch["labels"][0, prompt:].tolist() == document.input_ids[prompt:]


def test_rows_hold_whole_documents_within_their_capacity() -> None:
    lengths = [5, 9, 3, 7, 1, 9]
    rows = pack(lengths, capacity=9)
    assert sorted(index for row in rows for index in row) == list(range(6))
    assert all(sum(lengths[index] for index in row) <= 9 for row in rows)
    assert len(rows) == 4  # 34 tokens need four rows of nine


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("row_tokens", [None, 64])
def test_passes_of_a_step_have_the_loss_of_each_document_alone(
    tiny_model_dir: Path, make_context: Any, attention: str, row_tokens: int | None
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model_dir)
    rows = [conversation(n, f"<think>{'7 ' * (3 * n)}</think>{n}") for n in (3, 8, 1, 5, 2, 7, 4)]
    documents = encode(tokenizer, rows)
    trainer = sft._trainer(
        settings(row_tokens=row_tokens), tiny_model_dir, tokenizer, documents, make_context()
    )
    trainer.model.set_attn_implementation(attention)

    def summed(batch: dict[str, Any]) -> float:
        with torch.no_grad():
            return float(trainer.compute_loss(trainer.model, batch, num_items_in_batch=1))

    batch = trainer.data_collator([vars(document) for document in documents])
    passes = list(Passes(2, packed=row_tokens is not None)(batch))
    assert len(passes) > 1
    assert sum(int(part["tokens"].sum()) for part in passes) == sum(map(len, documents))
    shapes = {tuple(part["input_ids"].shape) for part in passes}
    if row_tokens:
        assert len(batch["input_ids"]) < len(documents)
        assert shapes <= {(1, 64), (2, 64)}
        assert sum(len(part["tokens"]) for part in passes) == len(batch["tokens"]), "no filler"
    else:
        assert sum(rows * length for rows, length in shapes) < batch["input_ids"].numel()
    alone = 0.0
    for document in documents:
        ids, labels = torch.tensor([document.input_ids]), torch.tensor([document.labels])
        alone += summed({"input_ids": ids, "labels": labels, "tokens": torch.tensor(len(document))})
    assert sum(map(summed, passes)) == pytest.approx(alone, rel=1e-5)


def test_rows_that_are_cut_over_processes_have_a_length_that_all_parts_share(
    tiny_model_dir: Path,
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model_dir)
    documents = [
        vars(document) for document in encode(tokenizer, [conversation(n) for n in (3, 9)])
    ]
    batch = Layout(tokenizer.pad_token_id, multiple=8)(documents)
    for part in Passes(1, packed=False, multiple=8)(batch):
        assert part["input_ids"].shape[1] % 8 == 0
        assert part["input_ids"].shape[1] - int(part["tokens"].max()) < 8
        assert part["position_ids"].is_contiguous()
        assert part["input_ids"].untyped_storage().nbytes() == part["input_ids"].nbytes


def test_the_passes_of_a_packed_step_have_as_many_rows_give_or_take_one() -> None:
    rows = {"input_ids": torch.zeros(17, 4), "tokens": torch.full((17,), 4)}
    assert [len(part["tokens"]) for part in Passes(8, packed=True)(rows)] == [6, 6, 5]


def test_rows_that_are_too_long_are_dropped_or_split_and_counted() -> None:
    short = Document([1, 2, 3], [IGNORED, 2, 3])
    long = Document(list(range(10)), [IGNORED] * 5 + list(range(5, 10)))
    assert fit([short, long], 4, "drop") == ([short], 1)
    split, longer = fit([short, long], 4, "split")
    assert longer == 1
    # [0..3] is prompt alone: nothing to learn there
    assert [d.input_ids for d in split] == [[1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_what_becomes_of_long_rows_is_said_in_a_word_that_there_is(
    tiny_model_dir: Path, make_artifact: Any, make_context: Any
) -> None:
    inputs = {
        "init_from": (make_artifact("model", "base", model_dir=tiny_model_dir),),
        "data_from": (make_artifact("conversations", "data", rows=[conversation(1)]),),
    }
    with pytest.raises(UsageError, match=r"overflow: is 'truncate': expected one of drop, split"):
        sft.run(settings(overflow="truncate"), inputs, make_context())


def test_a_step_sees_batch_size_sequences_however_they_are_packed(
    tiny_model_dir: Path, make_artifact: Any, make_context: Any, tmp_path: Path
) -> None:
    base = make_artifact("model", "base", model_dir=tiny_model_dir)
    data = make_artifact("conversations", "data", rows=[conversation(n) for n in range(20)])
    results = []
    for micro_batch in (2, 8):
        context = make_context(tmp_path / str(micro_batch))
        inputs = {"init_from": (base,), "data_from": (data,)}
        outputs = sft.run(settings(micro_batch=micro_batch), inputs, context)
        assert outputs.facts["steps"] == 2 * math.ceil(20 / 8)
        results.append((curve(context, "loss"), weights(context)))
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-3)
    for name, tensor in results[0][1].items():
        torch.testing.assert_close(tensor, results[1][1][name], atol=2e-4, rtol=0)


def test_training_lowers_the_loss_logs_its_curves_and_reports_what_it_dropped(
    tiny_model_dir: Path, make_artifact: Any, make_context: Any
) -> None:
    base = make_artifact("model", "base", model_dir=tiny_model_dir)
    rows = [conversation(n % 5) for n in range(30)] + [conversation(99, "word " * 60)]
    data = make_artifact("conversations", "data", rows=rows)
    context = make_context()
    outputs = sft.run(
        settings(
            epochs=10, optimizer=Optimizer(learning_rate=1e-2, lr_final=1e-3, schedule="cosine")
        ),
        {"init_from": (base,), "data_from": (data,)},
        context,
    )
    assert outputs.funnel == {"rows": 31, "too_long": 1, "documents": 30}
    losses = curve(context, "loss")
    assert losses[-1] < losses[0] / 3
    assert outputs.facts["token_accuracy"] > 0.7
    assert curve(context, "learning_rate")[-1] == pytest.approx(1e-3, rel=0.1)
    assert min(curve(context, "tokens_per_second")) > 0
    assert min(curve(context, "grad_norm")) > 0


@pytest.mark.parametrize("family", ["qwen2", "llama"])
def test_a_student_of_either_family_answers_in_plain_transformers(
    family: str, tiny_model_dir: Path, make_artifact: Any, make_context: Any, tmp_path: Path
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model_dir)
    shape = ModelShape(family, 64, 128, num_layers=1, num_heads=2, num_kv_heads=1)
    build_model(shape, tokenizer).save_pretrained(tmp_path / "base")
    save_tokenizer(tokenizer, tmp_path / "base")
    base = make_artifact("model", "base", model_dir=tmp_path / "base")
    data = make_artifact("samples", "data", rows=[conversation(3) | {"score": 1.0}] * 8)
    context = make_context()
    optimizer = Optimizer(learning_rate=1e-2)
    inputs = {"init_from": (base,), "data_from": (data,)}
    sft.run(settings(optimizer=optimizer, epochs=30, save_steps=30), inputs, context)
    student = AutoModelForCausalLM.from_pretrained(context.output / "model")
    assert student.config.model_type == family
    tokenizer = AutoTokenizer.from_pretrained(context.output / "model")
    prompt = tokenizer(render_prompt(tokenizer, conversation(3)["prompt"]), return_tensors="pt")
    ids = student.generate(**prompt, max_new_tokens=40, do_sample=False)[0]
    completion = tokenizer.decode(ids[prompt.input_ids.shape[1] :], skip_special_tokens=True)
    assert parse(completion).answer == "4"
    assert ids[-1] == tokenizer.eos_token_id


def test_lora_is_merged_into_plain_weights(
    tiny_model_dir: Path, make_artifact: Any, make_context: Any
) -> None:
    base = make_artifact("model", "base", model_dir=tiny_model_dir)
    data = make_artifact("conversations", "data", rows=[conversation(n) for n in range(16)])
    context = make_context()
    sft.run(
        settings(lora=shipped(Lora, rank=4, alpha=8)),
        {"init_from": (base,), "data_from": (data,)},
        context,
    )
    before = load_file(tiny_model_dir / "model.safetensors")
    after = weights(context)
    assert set(after) == set(before)
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    assert changed
    assert all("proj" in name for name in changed)


def test_nothing_left_to_train_on_says_which_limit_to_raise(
    tiny_model_dir: Path, make_artifact: Any, make_context: Any
) -> None:
    base = make_artifact("model", "base", model_dir=tiny_model_dir)
    data = make_artifact("conversations", "data", rows=[conversation(1)])
    with pytest.raises(RecipeError, match="max_length=4 tokens"):
        sft.run(
            settings(max_length=4), {"init_from": (base,), "data_from": (data,)}, make_context()
        )


CHILD = """
import sys
from pathlib import Path
from pipeline.artifact import Artifact
from pipeline.context import Context
from stages.kinds.sft import run as sft
from stages.training import common
from tests.training.test_sft import settings, artifact_of

base, data, root = map(Path, sys.argv[1:])
(root / "work").mkdir(parents=True, exist_ok=True)
(root / "output").mkdir(exist_ok=True)
context = Context("sft", "f" * 16, root / "work", root / "output", 3, 1, root / "shared")
inputs = {"init_from": (artifact_of(base),), "data_from": (artifact_of(data),)}
sft.run(settings(epochs=3.0), inputs, context)
"""


def artifact_of(path: Path) -> Any:
    from pipeline.artifact import Artifact

    return Artifact(path, json.loads((path / "manifest.json").read_text()))


def test_killed_in_its_second_epoch_it_resumes_to_the_same_bits(
    tiny_model_dir: Path, make_artifact: Any, make_context: Any, tmp_path: Path
) -> None:
    base = make_artifact("model", "base", model_dir=tiny_model_dir)
    data = make_artifact("conversations", "data", rows=[conversation(n) for n in range(40)])
    inputs = {"init_from": (base,), "data_from": (data,)}
    straight = make_context(tmp_path / "straight", seed=3)
    sft.run(settings(epochs=3.0), inputs, straight)

    killed = tmp_path / "killed"
    kill_when(killed / "work" / "checkpoint-8" / "complete.json", base.path, data.path, killed)
    # A kill in the middle of the next save would leave this:
    torn = killed / "work" / "checkpoint-10"
    torn.mkdir(exist_ok=True)
    (torn / "model.safetensors").write_bytes(b"half")
    resumed = make_context(killed, seed=3)
    sft.run(settings(epochs=3.0), inputs, resumed)

    assert curve(resumed, "loss") == curve(straight, "loss")
    assert len(curve(resumed, "loss")) == 15
    expected = weights(straight)
    assert all(torch.equal(tensor, expected[name]) for name, tensor in weights(resumed).items())


def kill_when(appears: Path, *arguments: Path) -> None:
    """Start the stage in its own process and SIGKILL it as soon as a file appears."""
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, *map(str, arguments)],
        cwd=Path(__file__).resolve().parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    while not appears.exists():
        assert process.poll() is None, "the stage ended before it could be killed"
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def test_asked_to_leave_its_machine_it_saves_at_once_and_goes_on_to_the_same_bits(
    tiny_model_dir: Path,
    make_artifact: Any,
    make_context: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    base = make_artifact("model", "base", model_dir=tiny_model_dir)
    data = make_artifact("conversations", "data", rows=[conversation(n) for n in range(40)])
    inputs = {"init_from": (base,), "data_from": (data,)}
    straight, leaving = (make_context(tmp_path / name, seed=3) for name in ("straight", "left"))
    sft.run(settings(), inputs, straight)

    monkeypatch.setattr("pipeline.context._asked", False)
    leaving.scheduled, shown = True, leaving.progress

    def asked_at_three(done: int, total: int) -> None:
        shown(done, total)
        if done == 3:
            os.kill(os.getpid(), signal.SIGUSR2)

    leaving.progress = asked_at_three
    with pytest.raises(SystemExit):
        sft.run(settings(), inputs, leaving)
    assert checkpoints.last(leaving.work) == leaving.work / "checkpoint-3"
    resumed = make_context(tmp_path / "left", seed=3)
    sft.run(settings(), inputs, resumed)
    assert curve(resumed, "loss") == curve(straight, "loss")
    expected = weights(straight)
    assert all(torch.equal(tensor, expected[name]) for name, tensor in weights(resumed).items())


def test_compiled_layers_learn_as_plain_ones_do(
    tiny_model_dir: Path, make_artifact: Any, make_context: Any, tmp_path: Path
) -> None:
    base = make_artifact("model", "base", model_dir=tiny_model_dir)
    data = make_artifact("conversations", "data", rows=[conversation(n) for n in range(20)])
    inputs = {"init_from": (base,), "data_from": (data,)}
    found = []
    for least in (10**6, 100):  # 2 epochs of some 700 tokens
        context = make_context(tmp_path / str(least))
        config = settings(compile_from_tokens=least, row_tokens=64, lora=shipped(Lora, rank=4))
        outputs = sft.run(config, inputs, context)
        found.append((outputs.facts["compiled"], curve(context, "loss"), weights(context)))
    (plain, losses, expected), (compiled, compiled_losses, trained) = found
    assert (plain, compiled) == (False, True)
    assert compiled_losses == pytest.approx(losses, rel=1e-3)
    assert set(trained) == set(expected)


def test_where_nothing_compiles_the_layers_train_as_they_are(
    tiny_model_dir: Path, make_artifact: Any, make_context: Any, capsys: Any
) -> None:
    """Here the C++ compiler refuses."""
    from torch._inductor import config as inductor

    torch.compiler.reset()
    base = make_artifact("model", "base", model_dir=tiny_model_dir)
    data = make_artifact("conversations", "data", rows=[conversation(n) for n in range(20)])
    context = make_context()
    config = settings(compile_from_tokens=100, row_tokens=64)
    with inductor.patch({"cpp.cxx": ("/bin/false",), "force_disable_caches": True}):
        outputs = sft.run(config, {"init_from": (base,), "data_from": (data,)}, context)
    assert outputs.facts["compiled"] is False
    assert len(curve(context, "loss")) == outputs.facts["steps"]
    (said,) = [line for line in capsys.readouterr().err.splitlines() if "compiled" in line]
    assert said.startswith("r1 warning: the layers cannot be compiled here (")
    assert said.endswith("stages.stage.compile_from_tokens=null does not try")
