"""PPO's critic: the model that the stage starts from, with a head of one number per token.

It is a model of its own, as in the comparison of R1's authors: the policy's passes stay as they
are, and its memory is what PPO costs more than GRPO. The head starts at 0, so the first advantages
are the rewards themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_model, save_model
from transformers import AutoModel

from stages.models.folder import brings_code
from stages.models.quirks import attention_of

WEIGHTS = "critic.safetensors"
OPTIMIZER = "critic_optimizer.pt"


class Critic(torch.nn.Module):
    """Values of the states that a completion goes through."""

    def __init__(self, source: str) -> None:
        super().__init__()
        trusted = brings_code(Path(source))
        self.trunk = AutoModel.from_pretrained(
            source,
            dtype=torch.float32,
            attn_implementation=attention_of(Path(source)),
            trust_remote_code=trusted,
        )
        self.head = torch.nn.Linear(self.trunk.config.get_text_config().hidden_size, 1)
        torch.nn.init.zeros_(self.head.weight)
        torch.nn.init.zeros_(self.head.bias)

    def forward(self, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """(N, C): the value before each completion token."""
        mask_NL = torch.cat([batch["prompt_mask"], batch["completion_mask"]], dim=1)
        hidden = self.trunk(
            input_ids=torch.cat([batch["prompt_ids"], batch["completion_ids"]], dim=1),
            attention_mask=mask_NL,
            position_ids=(mask_NL.cumsum(-1) - 1).clamp(min=0),
            use_cache=False,
        ).last_hidden_state
        before = hidden[:, batch["prompt_ids"].shape[1] - 1 : -1]
        values_NC: torch.Tensor = self.head(before).squeeze(-1).float()
        return values_NC


def save(critic: torch.nn.Module, optimizer: torch.optim.Optimizer, folder: Path) -> None:
    """Weights and optimiser, into a checkpoint."""
    save_model(critic, str(folder / WEIGHTS))
    torch.save(optimizer.state_dict(), folder / OPTIMIZER)


def load(critic: torch.nn.Module, optimizer: torch.optim.Optimizer, folder: Path) -> None:
    """What `save` wrote."""
    load_model(critic, str(folder / WEIGHTS))
    state = torch.load(folder / OPTIMIZER, map_location="cpu", weights_only=True)
    optimizer.load_state_dict(state)
