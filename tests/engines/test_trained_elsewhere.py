"""A whole RL stage by an engine of another environment: a stand-in that speaks as verl does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from pipeline.errors import StageFailed
from stages.kinds.rl import run as rl
from stages.kinds.rl.config import RewardTerm
from stages.training import common


def curves(context) -> list[dict[str, float]]:
    lines = (context.work / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_a_stage_is_trained_in_segments_and_publishes_what_one_on_trl_does(
    elsewhere, speaking_inputs, make_context, tmp_path
):
    context = make_context()
    outputs = rl.run(elsewhere(), speaking_inputs, context)
    assert outputs.facts["engine"] == {"name": "verl", "segments": 2}
    assert outputs.facts["steps"] == 6
    print(curves(context), outputs)
