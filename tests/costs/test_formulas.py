"""Formulas, by numbers that were worked out by hand or that a model's card tells."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.compose import compose
from stages.costs import memory, shapes, speed
from stages.costs.hardware import Hardware, of_root
from stages.costs.models import learning
from stages.costs.shapes import Shape
from stages.costs.work import ROLLOUT, Assumed, Draw, Engine, Trained, Work, assumed
from stages.project import R1

LLAMA = "meta-llama/Llama-3.1-8B"
V3 = "deepseek-ai/DeepSeek-V3"


@pytest.fixture(scope="module")
def h100() -> Hardware:
    return of_root(compose(R1, ["recipe=r1_zero", "hardware=h100x8"]).root)


@pytest.fixture(scope="module")
def assumptions() -> Assumed:
    return assumed(compose(R1, ["recipe=r1_zero", "profile=paper"]).root)


def shape(name: str) -> Shape:
    found = shapes.of_config(name, shapes.known()[name])
    assert found
    return found


@pytest.mark.parametrize(
    ("name", "billions"),
    [  # as the safetensors index of each says
        ("Qwen/Qwen2.5-0.5B", 0.494),
        ("Qwen/Qwen2.5-7B", 7.616),
        ("Qwen/Qwen2.5-32B", 32.76),
        ("Qwen/Qwen3-4B", 4.022),
        ("Qwen/Qwen3-30B-A3B", 30.53),
        (LLAMA, 8.030),
        ("meta-llama/Llama-3.3-70B-Instruct", 70.55),
        ("HuggingFaceTB/SmolLM2-1.7B", 1.711),
        (V3, 671.0),
    ],
)
def test_parameters_follow_from_the_sizes(name: str, billions: float) -> None:
    assert shape(name).parameters / 1e9 == pytest.approx(billions, rel=1e-3)


def test_deepseek_v3_sends_a_token_through_37_billion_and_keeps_70_kb_of_it() -> None:
    model = shape(V3)
    assert model.active / 1e9 == pytest.approx(37, rel=0.02)
    assert 2 * model.cached == 61 * 576 * 2


def test_the_tiny_base_has_the_parameters_that_its_manifest_tells() -> None:
    from pipeline.graph import build

    composed = compose(R1, ["recipe=r1_zero", "profile=tiny"])
    stages = build(composed.stages, R1.kinds(), composed.root).stages
    found = shapes.of_stage(stages["zero"])
    assert found
    assert found.parameters == 919_680  # artifacts/base/*/manifest.json


def test_a_model_in_a_folder_says_its_shape_itself(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(
        '{"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 100,'
        ' "intermediate_size": 128, "tie_word_embeddings": true}'
    )
    composed = compose(
        R1, ["recipe=r1_zero", "model@stages.base=hub", f"stages.base.path={tmp_path}"]
    )
    from pipeline.graph import build

    found = shapes.of_stage(build(composed.stages, R1.kinds(), composed.root).stages["zero"])
    assert found
    # Two layers of 4 × 64² attention, 3 × 64 × 128 MLP and two norms; a last norm; the embedding.
    assert found.parameters == 2 * (4 * 64**2 + 3 * 64 * 128 + 2 * 64) + 64 + 6400


def drawn(model: Shape, batch: float, context: float, engine: Engine) -> Draw:
    return Draw(ROLLOUT, model, engine, batch, context, 0.0, 0.0, 0, batch)


def test_a_decoding_step_reads_weights_and_keys_or_computes(h100: Hardware) -> None:
    model, engine = shape(LLAMA), Engine("vllm", 0)
    reads = (2 * model.parameters + 256 * 1000 * 131072) / (3.35e12 * 0.7)
    assert speed.step_seconds(drawn(model, 256, 1000, engine), h100, 1, 256) == pytest.approx(
        reads + 0.002
    )
    maths = 4096 * (2 * model.active + 4 * 32 * 4096) / (989.4e12 * 0.5)
    assert speed.step_seconds(drawn(model, 4096, 1, engine), h100, 1, 4096) == pytest.approx(
        maths + 0.002
    )


def test_engines_over_several_devices_wait_for_each_other_in_each_layer(h100: Hardware) -> None:
    model, engine = shape(LLAMA), Engine("vllm", 0, 2)
    one, two = (speed.step_seconds(drawn(model, 1, 1, engine), h100, n, 1) for n in (1, 2))
    assert two == pytest.approx((one - 0.002) / 2 + 0.002 + 2 * 32 * 25e-6)


def test_a_batch_of_experts_reads_those_that_somebody_chose() -> None:
    model = shape(V3)
    assert model.read_parameters(1) < 0.06 * model.parameters
    assert model.read_parameters(1000) == pytest.approx(model.parameters)


def test_a_rollout_waits_for_its_longest_sequence(h100: Hardware) -> None:
    model, engine = shape(LLAMA), Engine("vllm", 0)
    few = Draw(ROLLOUT, model, engine, 8, 100, 100, 30000, 32768, 8)
    many = replace(few, sequences=80_000.0, mean=10_000.0)
    told = replace(h100.efficiencies, sequence_tokens_s={LLAMA: 40})
    slow = replace(h100, efficiencies=told)
    assert speed.draw_seconds(few, slow, 8) == pytest.approx(30000 / 40, rel=0.01)
    assert speed.draw_seconds(many, h100, 8) > 5 * speed.draw_seconds(few, h100, 8)


def test_training_is_its_flops_at_the_share_that_is_reached(h100: Hardware) -> None:
    model = shape(LLAMA)
    task = learning(
        model,
        tokens=1e6,
        length=0,
        calls=0,
        updates=0,
        checkpointing=True,
        adapters=False,
    )
    assert task.flops == 8 * model.active * 1e6
    seconds = speed.passes_seconds("sft", task, Work(), h100, 8)
    share = h100.efficiencies.training["sft"]
    assert seconds == pytest.approx(8 * model.active * 1e6 / (8 * 989.4e12 * share))


def held(strategy: str = "ddp", **more: object) -> Trained:
    model = shape("Qwen/Qwen2.5-7B")
    return Trained(model, strategy, 4096, 1, True, True, **more)  # type: ignore[arg-type]


def test_full_weights_take_16_bytes_a_parameter_and_their_bf16_copies() -> None:
    model = held().model
    whole = memory.states(held(), 8)
    assert sum(whole.values()) == 18 * model.parameters
    shared = memory.states(held("fsdp"), 8)
    assert shared["weights"] + shared["gradients"] + shared["optimiser"] == 2 * model.parameters
    zero2 = memory.states(held("deepspeed", stage=2), 8)
    assert zero2["weights"] == 2 * model.parameters
    assert zero2["optimiser"] == 12 / 8 * model.parameters


def test_adapters_have_gradients_and_the_weights_below_have_none() -> None:
    own = held(rank=16)
    # 28 layers; queries and output 3584 wide, keys and values 512, MLP 18944.
    sides = 2 * (3584 + 3584) + 2 * (3584 + 512) + 3 * (3584 + 18944)
    assert memory.trained_parameters(own) == 16 * 28 * sides
    assert memory.states(own, 1)["optimiser"] == 8 * 16 * 28 * sides
    assert memory.states(own, 1)["bf16 copies"] == 0


def test_logits_are_those_of_a_pass() -> None:
    own = held(logits=True, logits_with_gradient=True, chunk_logits=2**27)
    assert memory.pass_rows(replace(own, micro_batch=8, longest=256)) == 3  # 2²⁷ ÷ (256 × 152,064)
    one = memory.peak(Work(trained=own), _bare(), 1)["logits"]
    assert one == 2**27 * 12  # of 4,096 × 152,064 that there would be


def _bare() -> Hardware:
    return of_root(compose(R1, ["recipe=r1_zero", "hardware=h100x8"]).root)


def test_the_cache_has_what_the_engine_leaves_beside_its_weights(h100: Hardware) -> None:
    model = shape("Qwen/Qwen2.5-7B")
    task = drawn(model, 10_000, 4096, Engine("vllm", 0, utilization=0.9))
    room = 0.9 * 80e9 * 0.95 - 2 * model.parameters
    assert memory.cache_room(task, h100, 1) == pytest.approx(room)
    assert memory.sequences(task, h100, 1) == pytest.approx(room / (4096 * 57344))


def test_the_longest_of_many_lengths_is_far_from_their_mean(assumptions: Assumed) -> None:
    assert assumptions.longest(1000, 10**9, 8192) == pytest.approx(14_000, rel=0.05)
    assert assumptions.longest(1000, 4096, 8192) == 4096
    assert assumptions.longest(1000, 4096, 1) == 1000
