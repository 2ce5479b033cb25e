"""GRPO written by hand: what a step costs without any trainer (benchmarks/grpo.py).

    python -m benchmarks.bare_grpo TASK.json

One file, the model's own forward, one update a rollout. What a careful author of such a loop does
is done: rows whose group has equal rewards are not trained on, rows are sorted by length, and a
sequence that ended decodes on only until all have. No curves, no checkpoints, no seeds per sample.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModelForCausalLM, AutoTokenizer, get_constant_schedule_with_warmup

from benchmarks.plain_grpo import peak_memory, point
from stages.rewards.format import strict
from stages.rows.schemas import read_rows
from stages.verifiers.answer import Policy
from stages.verifiers.pool import VerifierPool
from stages.verifiers.verdict import request_of

SPREAD = 1e-4  # TRL's, added to the standard deviation of a group


class Loop(NamedTuple):
    """What all steps share; numbers: TRL's names for them."""

    model: Any
    tokenizer: Any
    pool: VerifierPool
    numbers: dict[str, Any]


def main(file: str) -> None:
    """Train, and print the points of the curve and the peak of memory."""
    task = json.loads(Path(file).read_text())
    torch.set_num_threads(task["threads"])
    torch.manual_seed(task["seed"])
    model = AutoModelForCausalLM.from_pretrained(
        task["model"], dtype=torch.float32, trust_remote_code=False
    )
    tokenizer = AutoTokenizer.from_pretrained(task["model"], trust_remote_code=False)
    pool = VerifierPool(workers=1, policy=Policy(strict=True))  # as every RL stage
    loop = Loop(model, tokenizer, pool, task["arguments"])
    rows = [read_rows(Path(task["rows"]))[number] for number in task["order"]]
    points = list(_steps(loop, rows))
    pool.close()
    print(json.dumps({"points": points, **peak_memory()}))


def _steps(loop: Loop, rows: Sequence[dict[str, Any]]) -> Iterator[dict[str, float]]:
    """A point of the curve for each optimiser step."""
    numbers, group = loop.numbers, loop.numbers["num_generations"]
    batch = numbers["per_device_train_batch_size"] * numbers["gradient_accumulation_steps"]
    optimizer = torch.optim.AdamW(
        loop.model.parameters(), lr=numbers["learning_rate"], weight_decay=0.0
    )
    schedule = get_constant_schedule_with_warmup(optimizer, numbers["warmup_steps"])
    for step in range(numbers["max_steps"]):
        first = step * batch // group
        asked = [row for row in rows[first : first + batch // group] for _ in range(group)]
        prompts, completions = _sample(loop, [row["prompt"] for row in asked])
        rewards = _rewards(loop, asked, completions)
        grouped = rewards.view(-1, group)
        spread = grouped.std(1, keepdim=True) + SPREAD
        advantages = ((grouped - grouped.mean(1, keepdim=True)) / spread).flatten()
        _update(loop, prompts, completions, advantages)
        torch.nn.utils.clip_grad_norm_(loop.model.parameters(), numbers["max_grad_norm"])
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        yield point(float(rewards.mean()), sum(map(len, completions)) / len(completions))


@torch.inference_mode()
def _sample(loop: Loop, asked: Sequence[Any]) -> tuple[list[list[int]], list[list[int]]]:
    """Token ids of the prompts, and of a completion for each."""
    prompts = loop.tokenizer.apply_chat_template(
        list(asked), add_generation_prompt=True, return_dict=False
    )
    ids, mask = _padded(prompts, "left")
    limit, end = loop.numbers["max_completion_length"], loop.tokenizer.eos_token_id
    drawn = torch.zeros(len(ids), 0, dtype=torch.long)
    cache, given = None, ids
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    while drawn.shape[1] < limit and not bool((drawn == end).any(1).all()):
        seen = loop.model(
            input_ids=given,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        cache = seen.past_key_values
        chances = (seen.logits[:, -1] / loop.numbers["temperature"]).softmax(-1)
        given = torch.multinomial(chances, 1)
        drawn = torch.cat([drawn, given], dim=1)
        mask = torch.cat([mask, torch.ones_like(given)], dim=1)
        positions = positions[:, -1:] + 1
    texts = drawn.tolist()
    return prompts, [ids[: ids.index(end) + 1] if end in ids else ids for ids in texts]


def _rewards(
    loop: Loop, rows: Sequence[dict[str, Any]], completions: list[list[int]]
) -> torch.Tensor:
    """Accuracy and format of each completion, summed."""
    texts = loop.tokenizer.batch_decode(completions, skip_special_tokens=True)
    asked = [request_of(row, text) for row, text in zip(rows, texts, strict=True)]
    verdicts = loop.pool.verify(asked)
    pairs = zip(verdicts, texts, strict=True)
    return torch.tensor([(verdict.score or 0.0) + strict(text) for verdict, text in pairs])


def _update(
    loop: Loop, prompts: list[list[int]], completions: list[list[int]], advantages: torch.Tensor
) -> None:
    """The gradient of all rows that have a signal; one update a rollout, so the ratio is 1."""
    taught = sorted(advantages.nonzero()[:, 0].tolist(), key=lambda row: -len(completions[row]))
    for rows in torch.tensor(taught).split(loop.numbers["per_device_train_batch_size"]):
        part = rows.tolist()
        before, seen = _padded([prompts[row] for row in part], "left")
        after, said = _padded([completions[row] for row in part], "right")
        mask = torch.cat([seen, said], dim=1)
        logits = loop.model(
            input_ids=torch.cat([before, after], dim=1),
            attention_mask=mask,
            position_ids=(mask.cumsum(-1) - 1).clamp(min=0),
            logits_to_keep=after.shape[1] + 1,
            use_cache=False,
        ).logits[:, :-1]
        logits = logits / loop.numbers["temperature"]
        losses = cross_entropy(logits.flatten(0, 1), after.flatten(), reduction="none")
        per_row = (losses.view_as(after) * said).sum(1) / said.sum(1)
        (per_row * advantages[rows]).sum().div(len(advantages)).backward()


def _padded(rows: Sequence[list[int]], side: str) -> tuple[torch.Tensor, torch.Tensor]:
    ids = [torch.tensor(row) for row in rows]
    masks = [torch.ones_like(row) for row in ids]
    padded = (pad_sequence(each, batch_first=True, padding_side=side) for each in (ids, masks))
    return next(padded), next(padded)


if __name__ == "__main__":
    main(sys.argv[1])
