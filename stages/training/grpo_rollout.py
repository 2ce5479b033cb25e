"""The rollout half of GRPO: completions from our engine, rewards from the stage's terms.

TRL's own rollout stays in charge of advantages, padding and its metrics; it asks for completions
(`_generate_single_turn`) and rewards (`_calculate_rewards`), and those are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from stages.configs import RLConfig, Sampling
from stages.rewards.terms import Term
from stages.rollout.engine import Completion, GenerationRequest
from stages.rollout.transformers_engine import TransformersEngine
from stages.training.algorithms.advantages import COMPARING, advantages, right
from stages.training.rl_batches import frozen_logps, take
from stages.training.rl_metrics import rollout_metrics
from stages.training.rl_prompts import Prompt, training_set
from stages.training.rl_rewards import TermReward, weights_at, without_signal

Tensors = dict[str, torch.Tensor]


class RolloutTrainer(GRPOTrainer):
    """TRL's trainer with our rollouts.

    start: the model that KL is measured to when it is not in the loss; None with LoRA, where the
    policy without its adapter is that model.
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
    ) -> None:
        self.config = config
        self.prompts = prompts
        self.terms = terms
        super().__init__(
            model=model,
            reward_funcs=[TermReward(term, prompts) for term in terms],
            args=arguments,
            train_dataset=training_set(prompts, config),
            processing_class=tokenizer,
            callbacks=callbacks,
        )
        self.start = start.to(self.accelerator.device).eval() if start is not None else None
        policy = self.accelerator.unwrap_model(self.model)
        self.engine = TransformersEngine(policy, tokenizer, config.rollout.batch_tokens)

    def _generate_single_turn(
        self,
        prompt_ids: list[list[int]],
        images: Any,
        multimodal_fields: Any,
        num_generations: int,
        **kw: Any,
    ) -> tuple[list[list[int]], list[list[float]]]:
        """Completions of the local prompts, which TRL repeats `num_generations` times in a row."""
        if self.use_vllm:
            ids, logprobs = super()._generate_single_turn(
                prompt_ids, images, multimodal_fields, num_generations, **kw
            )
            texts = self.processing_class.batch_decode(ids, skip_special_tokens=True)
            self._completions = [
                Completion(*parts, "", 0) for parts in zip(ids, texts, logprobs, strict=True)
            ]
            return ids, logprobs
        with self.accelerator.autocast():
            groups = self.engine.generate(self._requests(prompt_ids), self._sampling())
        self._completions = [completion for group in groups for completion in group]
        return (
            [completion.token_ids for completion in self._completions],
            [completion.logprobs or [] for completion in self._completions],
        )

    def _requests(self, prompt_ids: list[list[int]]) -> list[GenerationRequest]:
        """One request per group; its seed says which stage, step and place it has."""
        group = self.num_generations
        place = self.accelerator.process_index * len(prompt_ids)
        base = (self.args.seed << 40) + (self.state.global_step << 20)
        return [
            GenerationRequest(prompt_ids[row], group, base + place + row)
            for row in range(0, len(prompt_ids), group)
        ]

    def _sampling(self) -> Sampling:
        sampling = self.config.sampling
        return Sampling(
            sampling.temperature, sampling.top_p, sampling.top_k, self.max_completion_length
        )

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> Tensors:
        """TRL's rollout, with this step's length limit and weights, and what we measure on it."""
        step = self.state.global_step
        self.reward_weights = weights_at(self.terms, step)
        self.max_completion_length = max_tokens_at(self.config, step)
        batch: Tensors = super()._generate_and_score_completions(inputs)
        batch["advantages"] = self._advantages(len(inputs))
        rows = [self.prompts[example["row"]].row for example in inputs]
        measured = rollout_metrics(
            rows, self._completions, self.processing_class, self.config.checking_words
        )
        if self.beta == 0 and self.config.kl_rows:
            measured["kl"] = self._kl_to_start(batch)
        for name, value in measured.items():
            self._metrics["train"][name].append(value)
        return batch

    def _calculate_rewards(self, *args: Any) -> torch.Tensor:
        self._rewards: torch.Tensor = super()._calculate_rewards(*args)
        return self._rewards

    def _advantages(self, local: int) -> torch.Tensor:
        """What each local row weighs, by the algorithm; groups without a signal are counted.

        Where samples are compared, equal rewards are exactly 0 and not TRL's rounding noise.
        """
        algorithm, group = self.config.algorithm, self.num_generations
        rewards_NT = self._rewards
        total_N = (rewards_NT * self.reward_weights.to(rewards_NT.device).unsqueeze(0)).nansum(1)
        total_N[rewards_NT.isnan().all(1)] = torch.nan
        right_N = None
        if algorithm.advantage in ("right", "preference"):
            right_N = right(algorithm.right, [term.name for term in self.terms], rewards_NT)
        found_N = advantages(algorithm, total_N, group, right_N)
        if algorithm.advantage in COMPARING:
            equal_G = without_signal(rewards_NT, self.reward_weights, group)
            found_N = found_N.masked_fill(equal_G.repeat_interleave(group), 0.0)
        silent_G = (found_N.view(-1, group) == 0).all(1)
        self._metrics["train"]["zero_signal_groups"].append(float(silent_G.sum()))
        start = self.accelerator.process_index * local
        return found_N[start : start + local]

    def _kl_to_start(self, batch: Tensors) -> float:
        """KL to the model that the stage started from, by the sampling logps of `kl_rows` rows."""
        count = len(batch["completion_ids"])
        rows = list(range(0, count, max(1, count // self.config.kl_rows)))
        chunk = take({k: v for k, v in batch.items() if k != "num_items_in_batch"}, rows)
        start, off = self.start, nullcontext()
        if start is None:  # LoRA: the start is the model without its adapter
            start = self.accelerator.unwrap_model(self.model)
            off = start.disable_adapter()
        with off, self.accelerator.autocast():
            logps = frozen_logps(start, chunk, self.temperature, self.config.micro_batch)
        mask = chunk["completion_mask"]
        gap = (logps - chunk["sampling_per_token_logps"].nan_to_num()) * mask
        return float((gap.exp() - gap - 1).sum() / mask.sum())


def max_tokens_at(config: RLConfig, step: int) -> int:
    """The length limit at an optimiser step (paper, 2.2: 32,768 and, from step 8,200, 65,536)."""
    reached = [switch for switch in config.length_switches if switch.step <= step]
    if not reached:
        return config.sampling.max_tokens
    return max(reached, key=lambda switch: switch.step).max_tokens
