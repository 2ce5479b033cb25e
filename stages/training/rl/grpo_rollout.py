"""The rollout half of GRPO: completions from our engine, rewards from the stage's terms.

TRL's own rollout stays in charge of padding and its metrics; what it asks for (prompts,
completions, rewards) are the groups that were drawn just before (groups.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from stages.rewards.terms import Term
from stages.rollout.engine import Completion, GenerationRequest
from stages.rollout.transformers_engine import TransformersEngine
from stages.settings.generation import Sampling
from stages.training.parallel import whole_weights
from stages.training.rl.algorithms.advantages import COMPARING, advantages, right
from stages.training.rl.algorithms.drawing import AlgorithmDrawer, hinted_prompts
from stages.training.rl.batches import frozen_logps, take
from stages.training.rl.groups import Finished
from stages.training.rl.metrics import rollout_metrics
from stages.training.rl.prompt_stream import PromptStream
from stages.training.rl.prompts import Prompt, slots
from stages.training.rl.rewards import DrawnScores, weights_at, without_signal
from stages.training.rl.schedule import rollouts_of

if TYPE_CHECKING:
    from stages.kinds.rl.config import RLConfig

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
        self.start = start.to(self.accelerator.device).eval() if start is not None else None
        policy = self.accelerator.unwrap_model(self.model)
        self.engine = TransformersEngine(policy, tokenizer, config.rollout.batch_tokens)
        self._sampled: torch.Tensor | None = None  # log-probabilities that TRL need not compute
        self.stream = PromptStream(len(prompts), config.seed, config.curriculum)
        self.drawer = AlgorithmDrawer(
            *(config, prompts, terms, self.stream, self.accelerator, self._answer),
            limit_at=max_tokens_at,
            ask=hinted_prompts(tokenizer, config.system_prompt),
        )

    def _prepare_inputs(self, generation_batch: list[dict[str, Any]]) -> Tensors:
        """The rows of this step; where a rollout begins, they are drawn for all of its steps.

        TRL goes by `steps_per_generation` when it draws, splits and (dapo) normalises, so it is
        told how long this rollout is, which a schedule may have cut (schedule.py), and how far in
        it we are.
        """
        step = self.state.global_step
        steps = self.rollouts.at(step)
        self.args.steps_per_generation = len(steps)
        self._step = step - steps.start
        rows = len(generation_batch) // self.rollouts.steps * len(steps)
        batch: Tensors = super()._prepare_inputs(generation_batch[:rows])
        return batch

    def _tokenize_prompts(self, prompts: list[str]) -> tuple[list[list[int]], None, dict[str, Any]]:
        """The prompts of the groups, each repeated for its completions; TRL's are empty places."""
        size = self.num_generations
        ids = [self.prompts[group.prompt].token_ids for group in self._groups for _ in range(size)]
        return ids, None, {}

    def _generate_single_turn(
        self, *parts: Any, **more: Any
    ) -> tuple[list[list[int]], list[list[float]]]:
        """The completions of the groups, which are drawn before TRL asks for them."""
        logprobs = [completion.logprobs or [] for completion in self._completions]
        if self.args.steps_per_generation > 1 and not self.use_vllm and not self.args.bf16:
            self._sampled = self._padded(logprobs)
        return [completion.token_ids for completion in self._completions], logprobs

    def _padded(self, logprobs: list[list[float]]) -> torch.Tensor:
        rows = [torch.tensor(row) for row in logprobs]
        return pad_sequence(rows, batch_first=True).to(self.accelerator.device)

    def _answer(self, requests: Sequence[GenerationRequest]) -> Finished:
        """Completions from our engine, or from the vLLM that TRL keeps in step with the policy."""
        if not self.use_vllm:
            with self.accelerator.autocast():
                yield from self.engine.stream(requests, self._sampling())
            return
        size = self.num_generations
        prompt_ids = [request.prompt_ids for request in requests for _ in range(size)]
        ids, logprobs = super()._generate_single_turn(prompt_ids, None, {}, size)
        texts = self.engine.speech.texts(prompt_ids, ids)
        yield [
            (row // size, Completion(*parts, "", 0))
            for row, parts in enumerate(zip(ids, texts, logprobs, strict=True))
        ]

    def _sampling(self) -> Sampling:
        sampling = self.config.sampling
        return Sampling(
            sampling.temperature, sampling.top_p, sampling.top_k, self.max_completion_length
        )

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> Tensors:
        """A rollout; sharded weights are gathered for it, as each process has its own passes."""
        with whole_weights(self.model, self.ref_model):
            return self._rollout(inputs)

    def _rollout(self, inputs: list[dict[str, Any]]) -> Tensors:
        """TRL's rollout, with this step's length limit and weights, and what we measure on it."""
        step = self.state.global_step
        self.reward_weights = weights_at(self.terms, step)
        self.max_completion_length = max_tokens_at(self.config, step)
        if self.use_vllm:
            self.vllm_generation.max_completion_length = self.max_completion_length
        self._groups = self.drawer.draw(len(inputs) // self.num_generations, step)
        self._completions = [each for group in self._groups for each in group.completions]
        batch: Tensors = super()._generate_and_score_completions(inputs)
        batch["advantages"] = self._advantages(len(inputs))
        if self.config.algorithm.ratio == "none":
            batch.pop("old_per_token_logps", None)
        measured = self._measured()
        if self.beta == 0 and self.config.kl_rows:
            measured["kl"] = self._kl_to_start(batch)
        for name, value in measured.items():
            self._metrics["train"][name].append(value)
        return batch

    def _measured(self) -> dict[str, float]:
        """What the rollout shows, and what it cost."""
        size = self.num_generations
        rows = [self.prompts[group.prompt].row for group in self._groups for _ in range(size)]
        spent = self.drawer.spent
        samples = [sample for group in self._groups for sample in group.samples]
        words = self.config.checking_words
        return rollout_metrics(rows, samples, self.processing_class, words) | {
            "samples_spent": spent.samples,
            "replaced_groups": spent.replaced,
            "resting_prompts": self.stream.resting(),
            "rationalised": self.drawer.rationalised,
            **{name: value for term in self.terms for name, value in term.seen().items()},
        }

    def _scores_of(self, term: int) -> list[float | None]:
        return [row[term] for group in self._groups for row in group.scores]

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
        self._metrics["train"]["zero_signal_share"].append(float(silent_G.float().mean()))
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
    """The length limit at an optimiser step (paper, 2.1: 32,768 and, from step 8,200, 65,536)."""
    reached = [switch for switch in config.length_switches if switch.step <= step]
    if not reached:
        return config.sampling.max_tokens
    return max(reached, key=lambda switch: switch.step).max_tokens
