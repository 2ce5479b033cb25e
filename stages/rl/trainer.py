"""One optimiser step of RL, phase by phase, on TRL's GRPO trainer.

    training_step
        _prepare_inputs        the rows of the step. Where a rollout begins, it is made:
            _begin_rollout     1 this step's length limit and weights of the reward
            _drawn             2 prompts asked, answers scored       groups.py
                                 now, or while the rollout before
                                 was trained on                      ahead.py
            TRL's rollout      3 pads what was drawn                 rollout.py
            _weigh             4 what each sample weighs             algorithms/advantages.py
            _measure           5 the curves of the rollout           metrics.py
        _rows_with_signal      6 the rows that can change the weights
        _run_passes            7 forward and backward, in chunks     batches.py, shared_prompts.py
                                 compute_loss, TRL's, of the
                                 log-probabilities of a chunk        log_probabilities.py
    log                        the curves of the step                step_curves.py

TRL keeps what makes GRPO what it is: the advantages of a group (`scale_rewards`), the clipped loss
and its KL term (`loss_type`, `beta`), the loop of optimiser steps. Where this trainer differs:

1. Completions come from our engine, which samples from the weights in training, or from a copy of
   them (policy_engine.py), and gives each completion its own seed, made of (stage seed, step,
   position): no resume can shift it. TRL's importance weights correct for how far a copy is apart.
2. Rewards are the stage's terms; their weights follow the optimiser step.
3. Rows whose group has equal rewards have advantage 0: with no KL term in the loss they are
   neither run forward nor backward. They still count in every mean of the loss.
4. A step is split by length into chunks, and a prompt is run once for its group.
5. A checkpoint holds the synced reference model and the state of the prompts too (resume.py).
6. What was sampled in fp32 keeps the log-probabilities that it was sampled with: TRL would compute
   them again for a rollout of several steps. In bf16 the two passes round apart, so it may.
7. A rollout is cut where a schedule changes, so that it does on the step it names (schedule.py).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback
from trl import GRPOConfig
from trl.trainer.utils import add_fused_lm_head

from pipeline import meter
from pipeline.context import moved
from stages.rewards.terms import Term
from stages.rl import batches, engine_devices, metrics
from stages.rl.ahead import Ahead
from stages.rl.algorithms.advantages import of_rollout
from stages.rl.algorithms.drawing import AlgorithmDrawer, hinted_prompts
from stages.rl.apart import weighs
from stages.rl.batches import Chunk, Tensors, take
from stages.rl.engine_devices import Own
from stages.rl.peers import Peers
from stages.rl.policy_engine import PolicyEngine, engine_of
from stages.rl.prompt_stream import PromptStream
from stages.rl.prompts import Prompt, slots
from stages.rl.rewards import DrawnScores
from stages.rl.schedule import rollouts_of
from stages.rl.shared_prompts import can_share
from stages.rl.step_curves import StepCurvesTrainer
from stages.rl.token_logps import vocabulary
from stages.training import parallel

if TYPE_CHECKING:
    from stages.kinds.rl.config import RLConfig

NOTHING: list[int] = []  # a pass that only other processes need; its loss weighs nothing
FIRST = [0]  # a row to make it with
ENGINES = "policy"  # in the work folder: the weights that engines have


class RecipeGRPOTrainer(StepCurvesTrainer):
    """See the module's docstring.

    start: the model that KL is measured to when it is not in the loss; None with LoRA, where the
    policy without its adapter is that model. own: what engines alone have.
    """

    def __init__(
        self,
        config: RLConfig,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        prompts: Sequence[Prompt],
        terms: Sequence[Term],
        arguments: GRPOConfig,
        callbacks: list[TrainerCallback],
        start: PreTrainedModel | None = None,
        own: Own = engine_devices.NOTHING,
    ) -> None:
        self.config = config
        self.prompts = prompts
        self.terms = terms
        self.rollouts = rollouts_of(config)
        super().__init__(
            model=model,
            reward_funcs=[
                DrawnScores(term.name, partial(self._scores_of, place))
                for place, term in enumerate(terms)
            ],
            args=arguments,
            train_dataset=slots(config),
            processing_class=tokenizer,
            callbacks=callbacks,
        )
        self.policy = self.accelerator.unwrap_model(self.model)
        self.start = start.to(self.accelerator.device).eval() if start is not None else None
        if self.start is not None:
            add_fused_lm_head(self.start, self.temperature)  # TRL's models have it: token_logps.py
        self.peers, self.own = Peers(config.rollout), own
        self.set_up_engines()
        self.ahead = Ahead()
        self.stream = PromptStream(len(prompts), config.seed, config.curriculum)
        self.drawer = AlgorithmDrawer(
            config,
            prompts,
            terms,
            self.stream,
            self.peers,
            self._answer,
            hinted_prompts(tokenizer, config.system_prompt),
        )
        self.engine_sees = parallel.engine_sees(self)
        self.sharing = (
            not self.engine_sees
            and not self.args.gradient_checkpointing
            and not self.aux_loss_enabled
            and can_share(self.policy)
        )
        # TRL's name for importance weights, whatever engine it is
        self.use_vllm = weighs(config) and config.importance is not None
        self._sampled = self._chunk = None
        self._clock = time.perf_counter()
        self.set_up()

    def set_up_engines(self) -> None:
        """engine: what is sampled from. policy_engine: what answers as the policy."""
        self.engine = self.policy_engine = self.engine_for(self.policy)

    def engine_for(self, model: Any) -> PolicyEngine:
        """What answers as a model, by the stage's rollout settings."""
        folder = Path(self.args.output_dir) / ENGINES
        given = model, self.processing_class, self.config, self.accelerator
        return engine_of(*given, self.peers, folder, self.own)

    def close(self) -> None:
        """End the engines, once nothing is being drawn."""
        self.ahead.end()
        self.engine.close()

    def set_up(self) -> None:
        """What an algorithm has of its own beside the policy."""

    def training_step(
        self, model: Any, inputs: Any, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """One optimiser step: its rows, drawn where a rollout begins, and their passes."""
        model.train()
        batch = self._prepare_inputs(inputs)
        rows = self._rows_with_signal(batch)
        skipped = (len(batch["advantages"]) - len(rows)) * self.accelerator.num_processes
        self._metrics["train"]["skipped_rows"].append(skipped)
        loss = torch.zeros((), device=self.accelerator.device)
        if parallel.most(len(rows)):
            passing = model if self.engine_sees else self.accelerator.unwrap_model(model)
            with parallel.own_metrics(self.accelerator):
                loss = self._run_passes(passing, batch, rows)
            if not self.engine_sees:
                parallel.average_gradients(passing)
        self._trained = batch
        self._require_finite("loss", float(loss), self.state.global_step + 1)
        self._tokens = int(batch["completion_mask"].sum())
        return loss

    def _prepare_inputs(self, generation_batch: list[dict[str, Any]]) -> Tensors:
        """The rows of this step; where a rollout begins, they are drawn for all of its steps.

        TRL goes by `steps_per_generation` when it draws, splits and (dapo) normalises, so it is
        told how long this rollout is, which a schedule may have cut, and how far in it we are.
        """
        step = self.state.global_step
        steps = self.rollouts.at(step)
        self.args.steps_per_generation = len(steps)
        self._step = step - steps.start
        rows = len(generation_batch) // self.rollouts.steps * len(steps)
        batch: Tensors = super()._prepare_inputs(generation_batch[:rows])
        return batch

    # A rollout: phases 1 to 5

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> Tensors:
        """A rollout; sharded weights are gathered for it, as each process has its own passes."""
        with parallel.whole_weights(self.model, self.ref_model):
            return self._rollout(inputs)

    def _rollout(self, inputs: list[dict[str, Any]]) -> Tensors:
        step = self.state.global_step
        self._begin_rollout(step)
        drawn = self._drawn(step)
        self._groups, self._curves = drawn.groups, drawn.curves
        self._completions = [each for group in self._groups for each in group.completions]
        batch: Tensors = super()._generate_and_score_completions(inputs)
        batch["advantages"] = self._weigh(len(inputs))
        if self.config.algorithm.ratio == "none":
            batch.pop("old_per_token_logps", None)
        self._measure(batch)
        return batch

    def _weigh(self, local: int) -> torch.Tensor:
        """What each local row weighs, by the algorithm; groups without a signal are counted."""
        names, group = [term.name for term in self.terms], self.num_generations
        found_N = of_rollout(
            self.config.algorithm, self._rewards, self.reward_weights, names, group
        )
        silent_G = (found_N.view(-1, group) == 0).all(1)
        self._metrics["train"]["zero_signal_groups"].append(float(silent_G.sum()))
        self._metrics["train"]["zero_signal_share"].append(float(silent_G.float().mean()))
        start = self.accelerator.process_index * local
        return found_N[start : start + local]

    # The passes of a step: phases 6 and 7

    def _rows_with_signal(self, batch: Tensors) -> list[int]:
        """Rows that can change the weights."""
        every = list(range(len(batch["advantages"])))
        if self.beta != 0:
            return every
        rows: list[int] = batch["advantages"].nonzero()[:, 0].tolist()
        return rows

    def _run_passes(self, model: Any, batch: Tensors, rows: list[int]) -> torch.Tensor:
        shared, owners = None, {}
        if self.sharing and rows:
            asked = take(batch, rows)
            with self.accelerator.autocast():
                shared, found = batches.share_prompts(
                    model, asked["prompt_ids"], asked["prompt_mask"]
                )
            owners = dict(zip(rows, found.tolist(), strict=True))
        total = torch.zeros((), device=self.accelerator.device)
        tokens = []
        prompts = 0.0 if shared is None else float(shared.mask_UP.sum())
        for numbers, sync in self._passes(model, batch, rows):
            own = numbers or FIRST
            self._chunk = Chunk(
                take(batch, own),
                shared,
                [owners[row] for row in own] if shared else [],
                len(numbers) / max(1, len(rows)),
            )
            chunk = self._chunk.rows
            with sync:
                loss = self.compute_loss(model, chunk)
                share = batches.share_of_loss(self.loss_type, chunk, batch) if numbers else 0.0
                loss = loss * share
                self.accelerator.backward(loss)
            total += loss.detach()
            moved()
            tokens.append(float(chunk["completion_mask"].sum()) if numbers else 0.0)
            prompts += float(chunk["prompt_mask"].sum()) if numbers and shared is None else 0.0
            self._chunk = None
        if shared is not None:
            shared.backward()
        meter.count(passes=len(tokens), tokens_trained=sum(tokens) + prompts)
        metrics.weigh_passes(self._metrics["train"], tokens)
        return total

    def _passes(
        self, model: Any, batch: Tensors, rows: list[int]
    ) -> Iterator[tuple[list[int], AbstractContextManager[Any]]]:
        """The rows of each pass, and where gradients meet: once per optimiser step.

        An engine that sees the passes wants as many of every process.
        """
        entries = vocabulary(self.accelerator.unwrap_model(model))
        mask = batch["completion_mask"]
        chunks = list(batches.by_length(mask, rows, self.config.micro_batch, entries))
        if not self.engine_sees:
            yield from ((chunk, nullcontext()) for chunk in chunks)
            return
        chunks += [NOTHING] * (parallel.most(len(chunks)) - len(chunks))
        for number, chunk in enumerate(chunks, start=1):
            yield chunk, parallel.last_pass(self, model, number == len(chunks))
