"""The rollout that TRL pads and measures: our completions, rewards from the stage's terms.

TRL's own rollout stays in charge of padding and its metrics; what it asks for (prompts,
completions, rewards) are the groups that were drawn just before (groups.py). The order of all this
is in trainer.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.utils.rnn import pad_sequence

from stages.rewards.terms import Term
from stages.rl.algorithms.drawing import AlgorithmDrawer
from stages.rl.batches import Tensors, kl_to, take
from stages.rl.groups import Finished, Group
from stages.rl.metrics import rollout_metrics
from stages.rl.prompts import Prompt
from stages.rl.resume import ResumingTrainer
from stages.rl.rewards import weights_at
from stages.rl.schedule import max_tokens_at
from stages.rollout.engine import Completion, GenerationRequest
from stages.settings.generation import Sampling

if TYPE_CHECKING:
    from stages.kinds.rl.config import RLConfig


class RolloutTrainer(ResumingTrainer):
    """TRL's trainer with our rollouts."""

    config: RLConfig
    prompts: Sequence[Prompt]
    terms: Sequence[Term]
    engine: Any
    drawer: AlgorithmDrawer
    _groups: list[Group]
    _sampled: torch.Tensor | None  # log-probabilities that TRL need not compute

    def _begin_rollout(self, step: int) -> None:
        """The weights of the reward and the length limit of this step."""
        self.reward_weights = weights_at(self.terms, step)
        self.max_completion_length = max_tokens_at(self.config, step)
        if self.use_vllm:
            self.vllm_generation.max_completion_length = self.max_completion_length

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
            (row // size, Completion(tokens, text, logps, "", 0))
            for row, (tokens, text, logps) in enumerate(zip(ids, texts, logprobs, strict=True))
        ]

    def _sampling(self) -> Sampling:
        sampling = self.config.sampling
        return Sampling(
            sampling.temperature, sampling.top_p, sampling.top_k, self.max_completion_length
        )

    def _tokenize_prompts(self, prompts: list[str]) -> tuple[list[list[int]], None, dict[str, Any]]:
        """The prompts of the groups, each repeated for its completions; TRL's are empty places."""
        size = self.num_generations
        ids = [self.prompts[group.prompt].token_ids for group in self._groups for _ in range(size)]
        return ids, None, {}

    def _generate_single_turn(
        self,
        prompt_ids: Any,
        images: Any,
        multimodal_fields: Any,
        num_generations: int,
        has_tool_images: bool = False,
    ) -> tuple[list[list[int]], list[list[float]]]:
        """The completions of the groups, which are drawn before TRL asks for them."""
        logprobs = [completion.logprobs or [] for completion in self._completions]
        if self.args.steps_per_generation > 1 and not self.use_vllm and not self.args.bf16:
            padded = pad_sequence([torch.tensor(row) for row in logprobs], batch_first=True)
            self._sampled = padded.to(self.accelerator.device)
        return [completion.token_ids for completion in self._completions], logprobs

    def _scores_of(self, term: int) -> list[float | None]:
        return [row[term] for group in self._groups for row in group.scores]

    def _calculate_rewards(
        self, inputs: Any, prompts: Any, completions: Any, completion_ids_list: Any
    ) -> torch.Tensor:
        """The scores of the groups on all processes, by term."""
        self._rewards: torch.Tensor = super()._calculate_rewards(
            inputs, prompts, completions, completion_ids_list
        )
        return self._rewards

    def _measure(self, batch: Tensors) -> None:
        """What the rollout shows, and what it cost."""
        size = self.num_generations
        spent = self.drawer.spent
        rows = [self.prompts[group.prompt].row for group in self._groups for _ in range(size)]
        samples = [sample for group in self._groups for sample in group.samples]
        words = self.config.checking_words
        measured = rollout_metrics(rows, samples, self.processing_class, words) | {
            "samples_spent": spent.samples,
            "replaced_groups": spent.replaced,
            "resting_prompts": self.stream.resting(),
            "rationalised": self.drawer.rationalised,
            **{name: value for term in self.terms for name, value in term.seen().items()},
        }
        if self.beta == 0 and self.config.kl_rows:
            measured["kl"] = self._kl_to_start(batch)
        for name, value in measured.items():
            self._metrics["train"][name].append(value)

    def _kl_to_start(self, batch: Tensors) -> float:
        """KL to the model that the stage started from, by the sampling logps of `kl_rows` rows."""
        count = len(batch["completion_ids"])
        rows = list(range(0, count, max(1, count // self.config.kl_rows)))
        asked = take({k: v for k, v in batch.items() if k != "num_items_in_batch"}, rows)
        start, off = self.start, nullcontext()
        if start is None:  # LoRA: the start is the model without its adapter
            start = self.accelerator.unwrap_model(self.model)
            off = start.disable_adapter()
        with off, self.accelerator.autocast():
            return kl_to(start, asked, self.temperature, self.config.micro_batch)
