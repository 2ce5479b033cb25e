"""The rollout that TRL pads and measures: our completions, rewards from the stage's terms.

TRL's own rollout stays in charge of padding and its metrics; what it asks for (prompts,
completions, rewards) are the groups that were drawn just before (groups.py). The order of all this
is in trainer.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.utils.rnn import pad_sequence

from stages.rewards.terms import Term
from stages.rl.ahead import Ahead, Drawn
from stages.rl.algorithms.drawing import HINTED, AlgorithmDrawer
from stages.rl.batches import Tensors, frozen_logps, gap, kl_to, of_completions, take
from stages.rl.groups import Group
from stages.rl.metrics import rollout_metrics
from stages.rl.policy_engine import PolicyEngine
from stages.rl.prompts import Prompt
from stages.rl.resume import ResumingTrainer
from stages.rl.rewards import weights_at
from stages.rl.schedule import Rollouts, max_tokens_at
from stages.rollout.engine import Finished, GenerationRequest
from stages.settings.generation import Sampling

if TYPE_CHECKING:
    from stages.kinds.rl.config import RLConfig

GAP = "sampling_logp_difference"
ASKED, SAID = 4, 64  # prompts, and tokens of each answer, that show it of engines that draw ahead
PROBED = 3 * HINTED  # seeds of theirs


class RolloutTrainer(ResumingTrainer):
    """TRL's trainer with our rollouts."""

    config: RLConfig
    prompts: Sequence[Prompt]
    terms: Sequence[Term]
    engine: PolicyEngine
    drawer: AlgorithmDrawer
    ahead: Ahead
    rollouts: Rollouts
    policy: Any
    _groups: list[Group]
    _curves: Mapping[str, float]  # of their drawing
    _sampled: torch.Tensor | None  # log-probabilities that TRL need not compute

    def _begin_rollout(self, step: int) -> None:
        """The weights of the reward and the length limit of this step."""
        self.reward_weights = weights_at(self.terms, step)
        self.max_completion_length = max_tokens_at(self.config, step)

    def _drawn(self, step: int) -> Drawn:
        """This step's rollout; from here on the next is drawn, where the config says so."""
        drawn = self.ahead.take() or self._draw_now(step)
        following = self.rollouts.at(step).stop
        if self.config.rollout_ahead and following < self.config.max_steps:
            self.engine.refresh(step)
            self._measure_gap(step, drawn.groups)
            self.ahead.begin(partial(self._draw, following))
        return drawn

    def _draw_now(self, step: int) -> Drawn:
        self.engine.refresh(self._version(step))
        drawn = self._draw(step)
        self.engine.rest()
        return drawn

    def _measure_gap(self, step: int, groups: Sequence[Group]) -> None:
        """How far engines that draw ahead are from the policy: by a few answers, after a refresh.

        A rollout of theirs says less: where it is trained on, the policy is another.
        """
        prompts = [self.prompts[group.prompt].token_ids for group in groups[:ASKED]]
        base = (self.config.seed << 40) + (step << 20) + PROBED
        requests = [GenerationRequest(ids, 1, base + n) for n, ids in enumerate(prompts)]
        sampling = self._sampling(step)
        longest = min(sampling.max_tokens, SAID)
        answers = self.engine.answer(requests, replace(sampling, max_tokens=longest))
        found = sorted((pair for batch in answers for pair in batch), key=itemgetter(0))
        completions = [completion for _, completion in found]
        batch = of_completions(prompts, completions, self.accelerator.device)
        with self.accelerator.autocast():
            logps = frozen_logps(self.policy, batch, self.temperature, self.config.micro_batch)
        self._metrics["train"][GAP].append(gap(logps, batch))

    def _version(self, step: int) -> int:
        """Of the weights that a step samples from."""
        return step

    def _draw(self, step: int) -> Drawn:
        """Draw the rollout that begins at a step, and tell what that was like.

        It may run beside training, so all that it changes is the drawer's, the prompts' and the
        terms'.
        """
        prompts = len(self.rollouts.at(step)) * self.config.questions_per_step
        groups = self.drawer.draw(prompts // self.drawer.peers.size, step)
        spent = self.drawer.spent
        curves: dict[str, float] = {
            "samples_spent": spent.samples,
            "replaced_groups": spent.replaced,
            "resting_prompts": self.stream.resting(),
            "rationalised": self.drawer.rationalised,
            **{name: value for term in self.terms for name, value in term.seen().items()},
        }
        return Drawn(step, groups, curves)

    def _answer(self, requests: Sequence[GenerationRequest], step: int) -> Iterator[Finished]:
        return self.engine.answer(requests, self._sampling(step))

    def _sampling(self, step: int) -> Sampling:
        sampling = self.config.sampling
        longest = max_tokens_at(self.config, step)
        return Sampling(sampling.temperature, sampling.top_p, sampling.top_k, longest)

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
        rows = [self.prompts[group.prompt].row for group in self._groups for _ in range(size)]
        samples = [sample for group in self._groups for sample in group.samples]
        words = self.config.checking_words
        measured = rollout_metrics(rows, samples, self.processing_class, words)
        measured |= self._curves
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
