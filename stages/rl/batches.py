"""Rows of a step as tensors: which to run, in what chunks, and their log-probabilities.

Tensor names: N rows, P prompt tokens (padded left), C completion tokens (padded right), V entries
of the vocabulary, U distinct prompts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedModel

from stages.rl.shared_prompts import SharedPrompts, can_share
from stages.rl.token_logps import CHUNK_LOGITS, IGNORED, is_wide, token_logps, vocabulary
from stages.rollout.engine import Completion

Batch = Mapping[str, torch.Tensor]
Tensors = dict[str, torch.Tensor]

PER_TOKEN = frozenset(
    {
        "completion_ids",
        "completion_mask",
        "old_per_token_logps",
        "ref_per_token_logps",
        "sampling_per_token_logps",
        "importance_sampling_ratio",
        "advantages",  # of the tokens (PPO), else of the rows
        "values",
        "returns",
    }
)


#: How TRL normalises a loss decides what a chunk of its rows weighs: `bnpo` goes by the tokens of
#: the step; these go by its sequences, or by the tokens of the whole rollout (already divided).
BY_SEQUENCE = frozenset({"grpo", "sapo", "dr_grpo", "luspo"})
BY_ROLLOUT = frozenset({"dapo", "cispo", "vespo"})


def by_length(
    mask_NC: torch.Tensor, rows: list[int], rows_at_most: int, entries: int
) -> Iterator[list[int]]:
    """The rows in chunks of like length, longest first, so that padding is seldom computed.

    entries: of the widest tensor that is computed for a token, as of its logits.
    """
    lengths = mask_NC.sum(-1).tolist()
    rows = sorted(rows, key=lambda row: -lengths[row])
    while rows:
        width = max(1, lengths[rows[0]])
        size = max(1, min(rows_at_most, CHUNK_LOGITS // (width * entries)))
        yield rows[:size]
        rows = rows[size:]


def take(batch: Batch, rows: list[int]) -> dict[str, torch.Tensor]:
    """The rows of a batch, with the padding that none of them needs cut off."""
    index = torch.tensor(rows, device=batch["completion_ids"].device)
    width = max(1, int(batch["completion_mask"][index].sum(-1).max()))
    start = batch["prompt_ids"].shape[1] - int(batch["prompt_mask"][index].sum(-1).max())
    taken = {}
    for name, value in batch.items():
        chunk = value[index] if value.dim() else value
        if name in PER_TOKEN and chunk.dim() > 1 and chunk.shape[1] > 1:  # a ratio may be per row
            chunk = chunk[:, :width]
        elif name in ("prompt_ids", "prompt_mask"):
            chunk = chunk[:, start:]
        taken[name] = chunk
    return taken


def share_of_loss(loss_type: str, chunk: Batch, batch: Batch) -> float:
    """What a chunk's loss weighs, so that the chunks sum to the loss of the whole batch."""
    if loss_type in BY_ROLLOUT:
        return 1.0
    if loss_type in BY_SEQUENCE:
        return len(chunk["advantages"]) / len(batch["advantages"])
    return float(chunk["completion_mask"].sum() / batch["completion_mask"].sum())


def share_prompts(
    model: PreTrainedModel, prompt_ids_NP: torch.Tensor, prompt_mask_NP: torch.Tensor
) -> tuple[SharedPrompts, torch.Tensor]:
    """One pass over the distinct prompts, and the prompt of each row."""
    first: dict[tuple[int, ...], int] = {}
    for row, ids in enumerate(prompt_ids_NP.tolist()):
        first.setdefault(tuple(ids), row)
    number = {key: place for place, key in enumerate(first)}
    owners = [number[tuple(ids)] for ids in prompt_ids_NP.tolist()]
    rows_U = torch.tensor(list(first.values()), device=prompt_ids_NP.device)
    mask_UP = prompt_mask_NP[rows_U]
    start = prompt_ids_NP.shape[1] - int(mask_UP.sum(-1).max())
    shared = SharedPrompts(model, prompt_ids_NP[rows_U, start:], mask_UP[:, start:])
    return shared, torch.tensor(owners, device=prompt_ids_NP.device)


@dataclass(frozen=True)
class Chunk:
    """Rows that go through one pass. `shared` None: prompts are not shared, the pass is whole.

    part: of the step's rows that are run.
    """

    rows: dict[str, torch.Tensor]
    shared: SharedPrompts | None
    owners: list[int]
    part: float

    def logps(self, temperature: float) -> torch.Tensor:
        """Log-probabilities of the completions on top of the shared prompts."""
        assert self.shared is not None
        ids, mask = self.rows["completion_ids"], self.rows["completion_mask"]
        owners = torch.tensor(self.owners, device=ids.device)
        return self.shared.logps(owners, ids, mask, temperature)


def split_batch(
    ids_NL: torch.Tensor, mask_NL: torch.Tensor, completion: int
) -> dict[str, torch.Tensor]:
    """Rows of prompt + completion, taken apart again."""
    return {
        "prompt_ids": ids_NL[:, :-completion],
        "prompt_mask": mask_NL[:, :-completion],
        "completion_ids": ids_NL[:, -completion:],
        "completion_mask": mask_NL[:, -completion:],
    }


@torch.no_grad()
def frozen_logps(
    model: PreTrainedModel, batch: Batch, temperature: float, rows_at_most: int
) -> torch.Tensor:
    """Log-probabilities (N, C) of all rows of a batch, without gradients."""
    mask_NC = batch["completion_mask"]
    shared = owners_N = None
    if can_share(model):
        shared, owners_N = share_prompts(model, batch["prompt_ids"], batch["prompt_mask"])
    logps_NC = torch.zeros(mask_NC.shape, device=mask_NC.device)
    every = list(range(len(mask_NC)))
    for rows in by_length(mask_NC, every, rows_at_most, vocabulary(model)):
        chunk = take(batch, rows)
        ids, mask = chunk["completion_ids"], chunk["completion_mask"]
        if shared is not None and owners_N is not None:
            logps = shared.logps(owners_N[rows], ids, mask, temperature)
        else:
            logps = _whole_logps(model, chunk, temperature)
        logps_NC[rows, : ids.shape[1]] = logps
    return logps_NC


def gap(logps_NC: torch.Tensor, batch: Batch) -> float:
    """Mean difference of the tokens' log-probabilities to those that they were sampled with."""
    mask_NC = batch["completion_mask"]
    difference_NC = (logps_NC - batch["sampling_per_token_logps"].nan_to_num()) * mask_NC
    return float(difference_NC.abs().sum() / mask_NC.sum())


def of_completions(
    prompts: Sequence[list[int]], completions: Sequence[Completion], device: torch.device
) -> Tensors:
    """Prompts with their completions as a batch: padded left, and right."""
    said = [torch.tensor(completion.token_ids) for completion in completions]
    logps = [torch.tensor(completion.logprobs) for completion in completions]
    asked = [torch.tensor(ids) for ids in prompts]
    columns = {
        "prompt_ids": pad_sequence(asked, batch_first=True, padding_side="left"),
        "prompt_mask": pad_sequence(
            [torch.ones_like(ids) for ids in asked], batch_first=True, padding_side="left"
        ),
        "completion_ids": pad_sequence(said, batch_first=True),
        "completion_mask": pad_sequence([torch.ones_like(ids) for ids in said], batch_first=True),
        "sampling_per_token_logps": pad_sequence(logps, batch_first=True),
    }
    return {name: value.to(device) for name, value in columns.items()}


def kl_to(model: PreTrainedModel, batch: Batch, temperature: float, rows_at_most: int) -> float:
    """KL per token of the policy that sampled a batch to a model, estimated from its samples."""
    logps_NC = frozen_logps(model, batch, temperature, rows_at_most)
    mask_NC = batch["completion_mask"]
    gap_NC = (logps_NC - batch["sampling_per_token_logps"].nan_to_num()) * mask_NC
    return float((gap_NC.exp() - gap_NC - 1).sum() / mask_NC.sum())


def _whole_logps(model: PreTrainedModel, chunk: Batch, temperature: float) -> torch.Tensor:
    """Log-probabilities of completion tokens, from a pass over prompt and completion."""
    ids_NC, mask_NC = chunk["completion_ids"], chunk["completion_mask"]
    mask_NL = torch.cat([chunk["prompt_mask"], mask_NC], dim=1)
    seen: dict[str, Any] = {
        "input_ids": torch.cat([chunk["prompt_ids"], ids_NC], dim=1),
        "attention_mask": mask_NL,
        "position_ids": (mask_NL.cumsum(-1) - 1).clamp(min=0),
        "use_cache": False,
    }
    if is_wide(ids_NC, model):
        labels_NL = torch.cat([torch.full_like(chunk["prompt_ids"], IGNORED), ids_NC], dim=1)
        labels_NL = labels_NL.masked_fill(mask_NL == 0, IGNORED)
        found: torch.Tensor = model(**seen, labels=labels_NL, fused_lm_head=True).log_probs
        return found[:, -ids_NC.shape[1] :]
    logits = model(**seen, logits_to_keep=ids_NC.shape[1] + 1).logits[:, :-1]
    return token_logps(logits, ids_NC, mask_NC, temperature)
