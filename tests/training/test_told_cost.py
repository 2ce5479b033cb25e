"""What a trained stage counts on the way, for the bill: where its time went and what it was for."""

from __future__ import annotations

import sys
from pathlib import Path

from pipeline import meter
from stages.kinds.rl import run as rl
from stages.kinds.sft import run as sft

sys.path.insert(0, str(Path(__file__).parent))
from test_sft import conversation, settings
from test_validation import EVERY_2, config, heldout


def test_training_tells_its_tokens_updates_and_passes(tiny_model_dir, make_artifact, make_context):
    base = make_artifact("model", "base", model_dir=tiny_model_dir)
    data = make_artifact("samples", "rows", [conversation(n) for n in range(20)])
    context = make_context()
    with meter.running(context.work):
        facts = sft.run(settings(), {"init_from": (base,), "data_from": (data,)}, context).facts
    spent = meter.total(context.work)
    assert spent.counts["updates"] == facts["steps"] == 6
    assert spent.counts["passes"] == 2 * (2 + 2 + 1)  # micro_batch is half of a batch
    assert spent.counts["tokens_trained"] == facts["compute"]["tokens"]
    assert {"start", "train", "save"} <= set(spent.phases)


def test_rl_tells_rollouts_from_training_and_counts_what_was_asked_beside(
    speaking_inputs, make_artifact, make_context
):
    inputs = {**speaking_inputs, "validate_on": (make_artifact("problems", "valid", heldout()),)}
    context = make_context()
    with meter.running(context.work):
        facts = rl.run(config(), inputs, context).facts
    spent = meter.total(context.work)
    phases = {"start", "rollout", "reward", "train", "validation", "save"}
    assert phases <= {name for name, seconds in spent.phases.items() if seconds > 0}
    looks = facts["validation"]["looks"] * facts["validation"]["problems"] * EVERY_2.samples
    assert spent.counts["completions"] == facts["samples_spent"] + looks
    assert spent.counts["updates"] == 5
    assert 0 < spent.peaks["longest"] <= 24
    assert spent.counts["tokens_out"] > facts["tokens"]
    assert spent.counts["decode_rows"] >= spent.counts["tokens_out"]
