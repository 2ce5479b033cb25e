"""TRL's SFTTrainer, with an optimiser step's documents laid out for speed.

TRL's own "bfd" packs the whole data set beforehand and flattens a forward pass into one row. Two
things speak against it here: a step would see a varying number of sequences (the paper's batch is
128 sequences), and without FlashAttention the mask of one long row is quadratic: at 32 documents of
60 tokens that ran at 4.7k tokens/s on one core, padding at 9.2k.

So a step draws `batch_size` sequences as an unpacked one would, and stages/supervised/batches.py
lays them out and cuts them into forward passes. The passes of a step sum to the loss over all of
its labels, so their number changes results by rounding alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch._dynamo import lookup_backend
from torch._dynamo.exc import ShortenTraceback
from transformers.modeling_layers import GradientCheckpointingLayer
from trl import SFTTrainer

from pipeline import meter, notices
from stages.supervised.batches import Batch, empty_like
from stages.supervised.documents import IGNORED
from stages.supervised.even_batches import EvenBatches
from stages.training.bad_batch import FiniteTraining
from stages.training.common import on_gpu
from stages.training.parallel import last_pass, mean_of_all, most, processes, with_own_rows

ACCURACY = "mean_token_accuracy"


def compile_layers(model: torch.nn.Module, key: str) -> list[str]:
    """torch.compile for each decoder layer, in place: names of weights stay as they are.

    The layers share one graph, so it costs 8 s of one core; the whole pass costs 30 s (four layers)
    and is a seventh faster. Gradient checkpointing, LoRA and sharding go around layers. Shapes are
    symbols from the start: as many rows as a pass has, and the kernels that a resumed stage meets
    are those that it had.

    Where this machine cannot compile, for want of a C++ compiler or by a fault of torch, they are
    trained as they are. Returns why, once the first pass has shown it. key: of the setting.
    """
    failures: list[str] = []

    def inductor_or_plain(graph: torch.fx.GraphModule, inputs: list[Any]) -> Any:
        try:
            return lookup_backend("inductor")(graph, inputs)
        except ShortenTraceback as error:  # of inductor: what it could not compile, and with what
            first = str(error).strip().partition("\n")[0]
            if not failures:
                notices.warn(
                    f"the layers cannot be compiled here ({first}), so they train as they are, "
                    f"more slowly; {key}=null does not try"
                )
            failures.append(first)
            return graph.forward

    for module in model.modules():
        if isinstance(module, GradientCheckpointingLayer):
            module.compile(dynamic=True, backend=inductor_or_plain)
    return failures


class InPasses:
    """Mixed into an SFTTrainer whose batch is a whole optimiser step, before it."""

    passes: Callable[[Batch], Iterable[Batch]] | None = None  # None: a batch is one pass

    def training_step(self, model: Any, inputs: Batch, num_items_in_batch: Any = None) -> Any:
        """Backward pass by pass; gradients meet in the last.

        All processes make as many: a pass is a collective where weights are sharded, and TRL
        gathers its metrics in each.
        """
        trainer: Any = self
        parts = list(self.passes(inputs)) if self.passes else [inputs]
        parts += [empty_like(parts[0])] * (most(len(parts)) - len(parts))
        meter.count(passes=len(parts))
        total, labels = 0.0, []
        # TRL weighs the balancing loss of experts by it, which each pass has: a step has its mean.
        trainer.current_gradient_accumulation_steps = len(parts)
        for number, part in enumerate(parts):
            labels.append(int((part["labels"][:, 1:] != IGNORED).sum()))
            with last_pass(trainer, model, last=number == len(parts) - 1):
                total += super().training_step(model, part, num_items_in_batch)  # type: ignore[misc]
        self._weigh_accuracy(labels)
        return total

    def _weigh_accuracy(self, labels: list[int]) -> None:
        """One value per pass that had labels; the step's is their mean over labels."""
        found = self._metrics["train"].get(ACCURACY, [])  # type: ignore[attr-defined]
        labels = [count for count in labels if count]
        if len(found) == len(labels) > 1:
            hits = sum(value * count for value, count in zip(found, labels, strict=True))
            found[:] = [hits / sum(labels)]


class PackedSFTTrainer(FiniteTraining, EvenBatches, InPasses, SFTTrainer):
    """Logs loss, token_accuracy, learning_rate, grad_norm and tokens_per_second."""

    def __init__(self, **as_of_trl: Any) -> None:
        super().__init__(**as_of_trl)
        self._tokens, self._since = 0, time.monotonic()
        self.not_compiled: list[str] = []  # why not, where the layers should be

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """TRL's loss; on a CPU, the same from the labelled positions alone.

        Without Triton, TRL's fused head scores every position and recomputes it in the backward
        pass: 8.3k tokens per CPU second against 10.7k (0.9M parameters, vocabulary 1,024).
        """
        tokens = int(inputs.pop("tokens").sum())
        meter.count(tokens_trained=tokens)
        self._tokens += tokens
        if on_gpu():
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        targets = inputs.pop("labels")[:, 1:]
        learnt = targets != IGNORED
        found, targets = self._outputs_at(model, inputs, learnt), targets[learnt]
        logits = found.logits.float()
        if len(targets):  # else all rows of this process fill up a short batch
            hits = (logits.detach().argmax(-1) == targets).float().mean()
            self._metrics["train"][ACCURACY].append(hits.item())
        loss = torch.nn.functional.cross_entropy(logits, targets, reduction="sum")
        if num_items_in_batch is None:
            return loss / len(targets)
        loss = loss / num_items_in_batch * self.accelerator.num_processes  # whose mean is taken
        if self.aux_loss_enabled:
            weight = self.router_aux_loss_coef / self.current_gradient_accumulation_steps
            loss = loss + weight * found.aux_loss
        return loss

    def _outputs_at(self, model: Any, inputs: dict[str, Any], learnt: torch.Tensor) -> Any:
        """The model's outputs, with next-token logits where `learnt`; no other row of the head is
        computed.

        `use_cache=False`: with a cache, transformers ignores that documents are packed.
        """
        head = self.model.get_output_embeddings()
        handle = head.register_forward_pre_hook(lambda _, given: (given[0][:, :-1][learnt],))
        experts = {"output_router_logits": True} if self.aux_loss_enabled else {}
        try:
            return model(**inputs, **experts, use_cache=False)
        finally:
            handle.remove()

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        metrics = self._metrics["train"]
        if ACCURACY in metrics:
            metrics["token_accuracy"] = metrics.pop(ACCURACY)
            now = time.monotonic()
            metrics["tokens_per_second"] = [
                self._tokens * with_own_rows(self) / (now - self._since)
            ]
            self._tokens, self._since = 0, now
        if processes() > 1:
            means = {name: sum(values) / len(values) for name, values in metrics.items() if values}
            metrics.update({name: [value] for name, value in mean_of_all(means).items()})
        super().log(logs, start_time)

    def last(self, name: str) -> float | None:
        """The newest logged value of a curve, also of a run that had nothing left to do."""
        logged = (log[name] for log in reversed(self.state.log_history) if name in log)
        return next(logged, None)
