"""The rows of an RL step, to be read by people when something went wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from stages.rewards.terms import Term
from stages.rl.groups import Group
from stages.rl.prompts import Prompt
from stages.training.bad_batch import SHOWN, Line


def rollout_rows(
    batch: Mapping[str, Any],
    groups: Iterable[Group],
    prompts: Sequence[Prompt],
    terms: Sequence[Term],
) -> Iterator[Line]:
    """What an RL step trains on, found by its tokens: TRL shuffles the rows of a rollout."""
    known = {
        (tuple(prompts[group.prompt].token_ids), tuple(completion.token_ids)): (
            prompts[group.prompt],
            completion,
            dict(zip([term.name for term in terms], scores, strict=True)),
        )
        for group in groups
        for completion, scores in zip(group.completions, group.scores, strict=True)
    }
    for number, advantage in enumerate(batch["advantages"]):
        asked, answered = (
            tuple(batch[f"{part}_ids"][number][batch[f"{part}_mask"][number].bool()].tolist())
            for part in ("prompt", "completion")
        )
        line: dict[str, Any] = {
            "row": None,
            "tokens": len(answered),
            "advantage": float(advantage.mean()),
        }
        if (found := known.get((asked, answered))) is not None:
            prompt, completion, rewards = found
            line |= {"row": prompt.row["id"], "rewards": rewards}
            line |= {"prompt": prompt.text[:SHOWN], "completion": completion.text[:SHOWN]}
        yield line
