"""What training costs, in floating-point operations: the field's count (arXiv 2001.08361, 2.1).

A token costs 2 per parameter to run forward and 4 to run backward; attention over the context and
the optimiser are left out, as is whatever a stage saves (rows without an advantage that are never
run, prompts that are run once for their group). So budgets compare methods, and not this code.
Groups that dynamic sampling drew and replaced are not counted either.

    supervised                    6 N per token
    RL                            2 N to say it + 6 N to learn it, 2 N more with KL in the loss
    on-policy distillation        the same 8 N, and 2 T of the teacher

N counts the weights that a token is multiplied with: an input embedding only where it is also the
head, of a mixture's experts those that it is sent to. Prompts count like completions: they are
run, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedModel, TrainerCallback

from pipeline.artifact import Artifact
from pipeline.errors import UsageError
from stages.models.quirks import experts_used

FORWARD, BACKWARD = 2, 4
LEARN = FORWARD + BACKWARD
EXPERTS = ".experts."  # in the names of their weights; shared ones, which all tokens see, differ


def parameters(model: PreTrainedModel) -> int:
    """The weights that a token is multiplied with; call it on the model without adapters."""
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    looked_up = embedding.weight.numel() if head.weight is not embedding.weight else 0
    sizes = {name: weight.numel() for name, weight in model.named_parameters()}
    experts = sum(size for name, size in sizes.items() if EXPERTS in name)
    idle = round(experts * (1 - experts_used(model.config)))
    return sum(sizes.values()) - looked_up - idle


@dataclass(frozen=True)
class Cost:
    """What a token costs a stage: so many operations for each of its model's parameters."""

    parameters: int
    per_token: float

    def facts(self, tokens: float) -> dict[str, float]:
        """What the manifest keeps of the tokens that were seen."""
        flops = self.parameters * self.per_token * tokens
        return {"parameters": self.parameters, "tokens": round(tokens), "flops": flops}


def budget_of(student: Artifact, key: str) -> float:
    """The operations that another stage spent on its training."""
    compute = student.facts.get("compute")
    if not compute:
        raise UsageError(
            f"{key}={student.stage}: it does not say what its training cost; name a stage of kind "
            "sft, rl or on_policy_distill"
        )
    return float(compute["flops"])


class ComputeBudget(TrainerCallback):
    """Ends training at the first step that reaches a budget, counted as in `Cost`.

    That step is no checkpoint: the Trainer would go on from it by one step more.
    """

    def __init__(self, flops: float, per_seen_token: float) -> None:
        self._tokens = flops / per_seen_token

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.num_input_tokens_seen >= self._tokens:
            control.should_training_stop = True
            control.should_save = False
