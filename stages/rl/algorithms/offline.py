"""Algorithms whose samples are another model's: RFT, DPO, STaR.

In DeepSeekMath's table (arXiv 2402.03300, 5.2) they differ from the online ones by their data
source, so here they are the same trainer with another model to sample from. Every sample is drawn
when its step comes and used once, which is one epoch over the samples of the run: the questions,
the number of samples and the optimiser steps are those of every other algorithm, and a resume draws
the same samples from the same model.

The samples' own curves (accuracy, length, …) are those of that other model. The policy's accuracy
is `policy_accuracy`: a few samples of the policy itself, every `probe.every` steps, not trained on.

Differences from the papers: nothing is deduplicated, and there is one epoch. STaR's rounds are of
equal length. DPO pairs each right sample with one wrong one of its question.
"""

from __future__ import annotations

from operator import itemgetter
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_model as load_weights
from safetensors.torch import save_model as save_weights

from stages.rewards.terms import Batch
from stages.rl.algorithms.drawing import HINTED
from stages.rl.algorithms.preferences import NO_PAIR, coefficients, pair_up
from stages.rl.batches import Tensors, frozen_logps, take
from stages.rl.policy_engine import LivePolicy
from stages.rl.trainer import RecipeGRPOTrainer
from stages.rollout.decoding import ATTENTION
from stages.rollout.engine import GenerationRequest
from stages.training import checkpoints
from stages.training.common import load_model

SAMPLER = "sampler.safetensors"
ACCURACY = "accuracy"


class OfflineTrainer(RecipeGRPOTrainer):
    """Samples from the model that the stage starts from, whatever the policy has become."""

    def set_up_engines(self) -> None:
        self.source = Path(self.policy.config._name_or_path)
        self.sampler = load_model(self.source, ATTENTION).to(self.accelerator.device).eval()
        self.engine = self.engine_for(self.sampler)
        batch_tokens = self.config.rollout.batch_tokens
        self.policy_engine = LivePolicy(
            self.policy, self.processing_class, batch_tokens, self.accelerator
        )

    def _version(self, step: int) -> int:
        return 0

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> Tensors:
        batch = super()._generate_and_score_completions(inputs)
        if self.config.algorithm.advantage == "preference":
            batch["pairs"] = pair_up(batch["advantages"], self.num_generations)
        every = self.config.algorithm.probe.every
        if every and self.state.global_step % every == 0:
            self._probe()
        return batch

    def _probe(self) -> None:
        """How often the policy itself is right, by one sample of some of the step's questions."""
        term = next((term for term in self.terms if term.name == ACCURACY), None)
        prompts = [self.prompts[group.prompt] for group in self._groups]
        prompts = prompts[: self.config.algorithm.probe.questions]
        if term is None or not prompts:
            return
        base = (self.args.seed << 40) + (self.state.global_step << 20) + 2 * HINTED
        requests = [GenerationRequest(p.token_ids, 1, base + i) for i, p in enumerate(prompts)]
        sampling = self._sampling(self.state.global_step)
        found = [pair for batch in self.policy_engine.answer(requests, sampling) for pair in batch]
        texts = [completion.text for _, completion in sorted(found, key=itemgetter(0))]
        scores = term.score(Batch.of([p.row for p in prompts], texts, self.drawer.policy))
        judged = [score for score in scores if score is not None]
        if judged:
            self._metrics["train"]["policy_accuracy"].append(sum(judged) / len(judged))

    def _note_gap(self, logps: torch.Tensor, chunk: Tensors) -> None:
        """Training and sampling are of two models: their gap is no sign of a fault."""


class PreferenceTrainer(OfflineTrainer):
    """DPO: a sample's coefficient is made of the log-ratios of its pair, anew at every step."""

    def _prepare_inputs(self, generation_batch: Any) -> Tensors:
        batch: Tensors = super()._prepare_inputs(generation_batch)
        right = batch["advantages"]
        paired = (batch["pairs"] != NO_PAIR).nonzero()[:, 0].tolist()
        ratios = torch.zeros_like(right)
        if paired:
            ratios[paired] = self._log_ratios(take(batch, paired)).to(ratios.dtype)
        beta = self.config.algorithm.preference_beta
        found, self._pair_loss = coefficients(ratios, right, batch["pairs"], beta)
        # the loss of TRL is a mean over all rows
        return batch | {"advantages": found * len(found)}

    def _log_ratios(self, batch: Tensors) -> torch.Tensor:
        """log π − log π of the sampler, of whole completions."""
        with self.accelerator.autocast():
            policy, reference = (
                frozen_logps(model, batch, self.temperature, self.config.micro_batch)
                for model in (self.accelerator.unwrap_model(self.model), self.sampler)
            )
        return ((policy - reference) * batch["completion_mask"]).sum(-1)

    def _run_passes(self, model: Any, batch: Tensors, rows: list[int]) -> torch.Tensor:
        """The passes of the coefficients; what is reported is DPO's own loss."""
        super()._run_passes(model, batch, rows)
        return self._pair_loss


class RoundTrainer(OfflineTrainer):
    """STaR: each round samples from the policy of the round before and trains the start again."""

    @property
    def round_steps(self) -> int:
        """Optimiser steps of a round, in whole rollouts; the last round takes what is left over."""
        rollouts = -(-self.config.max_steps // self.config.steps_per_rollout)
        whole = max(1, rollouts // self.config.algorithm.rounds)
        return whole * self.config.steps_per_rollout

    def _round_began(self, step: int) -> int:
        """The first step of the round that a step is in."""
        last = self.config.algorithm.rounds - 1
        return min(step // self.round_steps, last) * self.round_steps

    def create_scheduler(
        self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None
    ) -> Any:
        """The schedule of a round, again and again."""
        longest = num_training_steps - self._round_began(num_training_steps)
        scheduler = super().create_scheduler(longest, optimizer)
        scheduler.lr_lambdas = [self._of_a_round(rate) for rate in scheduler.lr_lambdas]
        return scheduler

    def _of_a_round(self, rate: Any) -> Any:
        return lambda step: rate(step - self._round_began(step))

    def training_step(
        self, model: Any, inputs: Any, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        step = self.state.global_step
        if step and step == self._round_began(step):
            self._next_round()
        return super().training_step(model, inputs, num_items_in_batch)

    @torch.no_grad()
    def _next_round(self) -> None:
        policy = self.accelerator.unwrap_model(self.model)
        self.sampler.load_state_dict(policy.state_dict())
        policy.load_state_dict(load_model(self.source).state_dict())
        self.optimizer.state.clear()

    def _version(self, step: int) -> int:
        return self._round_began(step)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        if self.args.should_save:
            folder = checkpoints.at(self.args.output_dir, self.state.global_step)
            save_weights(self.sampler, str(folder / SAMPLER))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        load_weights(self.sampler, str(Path(resume_from_checkpoint) / SAMPLER))
