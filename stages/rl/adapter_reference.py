"""The reference model of LoRA training: an adapter of its own, replaced by the policy's.

TRL keeps that adapter as "ref" beside the one in training ("default") but refuses to sync it; the
paper replaces the reference every 400 steps (2.1). It is saved with every checkpoint by peft.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import TrainerCallback


class AdapterSync(TrainerCallback):
    """Copies the adapter in training over the reference adapter every `steps` optimiser steps."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def on_step_end(
        self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any
    ) -> None:
        if state.global_step % self.steps == 0:
            copy_adapter(model)


@torch.no_grad()
def copy_adapter(model: torch.nn.Module) -> None:
    """Every parameter of "default" into its twin of "ref"."""
    for name, parameter in model.named_parameters():
        if ".default." in name:
            model.get_parameter(name.replace(".default.", ".ref.")).copy_(parameter)
