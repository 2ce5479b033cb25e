"""PPO on the rollouts of the family; TRL 1.16 has none.

Same completions, rewards, clipped loss, KL term and checkpoints as GRPO. What differs: a critic
says what each state is worth, so every token has an advantage of its own, and the samples of a
question are not compared. With λ = γ = 1 the advantage is the reward minus the value. The critic
takes one optimiser step per step of the policy, on the same rows, at `learning_rate_factor` times
its rate. KL stays a term of the loss, as in every algorithm here; classical PPO puts it into the
reward.

In a gang every process has the whole critic; a LoRA policy has a critic of full weights.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from stages.rl.algorithms import critic as critics
from stages.rl.algorithms.critic import Critic
from stages.rl.algorithms.values import advantages_and_returns, value_loss
from stages.rl.batches import Tensors, by_length, take
from stages.rl.trainer import RecipeGRPOTrainer
from stages.training import checkpoints
from stages.training.parallel import average_gradients

SMALL = 1e-8


class PPOTrainer(RecipeGRPOTrainer):
    """GRPO's trainer with advantages from a critic, which it trains beside the policy."""

    def set_up(self) -> None:
        self.settings = self.config.algorithm.critic
        critic = Critic(self.policy.config._name_or_path)
        optimizer = torch.optim.AdamW(
            critic.parameters(),
            lr=self.args.learning_rate * self.settings.learning_rate_factor,
            betas=(self.args.adam_beta1, self.args.adam_beta2),
            eps=self.args.adam_epsilon,
            weight_decay=self.args.weight_decay,
        )
        self.critic = critic.to(self.accelerator.device)
        self.critic_optimizer = optimizer

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> Tensors:
        """The rollout, with an advantage per token in place of the reward per sample."""
        batch = super()._generate_and_score_completions(inputs)
        values = self._values(batch)
        batch["values"] = values
        batch["advantages"], batch["returns"] = advantages_and_returns(
            batch["advantages"],
            values,
            batch["completion_mask"],
            self.settings.gae_lambda,
            self.settings.discount,
        )
        self._note_variance(batch)
        if self.config.algorithm.scale_rewards != "none":
            batch["advantages"] = self._whitened(batch["advantages"], batch["completion_mask"])
        return batch

    @torch.no_grad()
    def _values(self, batch: Tensors) -> torch.Tensor:
        mask = batch["completion_mask"]
        values_NC = torch.zeros(mask.shape, device=mask.device)
        for rows in self._chunks(batch):
            with self.accelerator.autocast():
                found = self.critic(take(batch, rows))
            values_NC[rows, : found.shape[1]] = found
        return values_NC * mask

    def _chunks(self, batch: Tensors) -> list[list[int]]:
        width = self.accelerator.unwrap_model(self.model).config.get_text_config().hidden_size
        every = list(range(len(batch["completion_mask"])))
        return list(by_length(batch["completion_mask"], every, self.config.micro_batch, width))

    def _whitened(self, values_NC: torch.Tensor, mask_NC: torch.Tensor) -> torch.Tensor:
        """Minus the mean, over the standard deviation, of all tokens of all processes."""
        sums = torch.stack([(values_NC * mask_NC).sum(), (values_NC**2 * mask_NC).sum()])
        total, squares = self.accelerator.reduce(sums, reduction="sum")
        count = self.accelerator.reduce(mask_NC.sum().float(), reduction="sum")
        mean = total / count
        deviation = (squares / count - mean**2).clamp(min=0).sqrt()
        return (values_NC - mean) / (deviation + SMALL) * mask_NC

    def _note_variance(self, batch: Tensors) -> None:
        """How much of the returns the critic foresaw: 1 is all, 0 or less is nothing."""
        seen = batch["completion_mask"].bool()
        returns, left = batch["returns"][seen], batch["advantages"][seen]
        if len(returns) > 1 and float(returns.var()) > 0:
            self._metrics["train"]["explained_variance"].append(
                1 - float(left.var() / returns.var())
            )

    def _rows_with_signal(self, batch: Tensors) -> list[int]:
        """Every row: a critic is never so right that the advantages of all tokens are 0."""
        return list(range(len(batch["advantages"])))

    def training_step(
        self, model: Any, inputs: Any, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """The policy's passes, then one step of the critic on the same rows."""
        loss = super().training_step(model, inputs, num_items_in_batch)
        self._train_critic(self._trained)
        return loss

    def _train_critic(self, batch: Tensors) -> None:
        for group in self.critic_optimizer.param_groups:
            group["lr"] = self._get_learning_rate() * self.settings.learning_rate_factor
        tokens = batch["completion_mask"].sum()
        total = 0.0
        for rows in self._chunks(batch):
            chunk = take(batch, rows)
            with self.accelerator.autocast():
                values = self.critic(chunk)
            loss = value_loss(
                values,
                chunk["values"],
                chunk["returns"],
                chunk["completion_mask"],
                self.settings.clip,
            )
            (loss / tokens).backward()
            total += float(loss.detach() / tokens)
        average_gradients(self.critic)
        torch.nn.utils.clip_grad_norm_(self.critic.parameters(), self.args.max_grad_norm)
        self.critic_optimizer.step()
        self.critic_optimizer.zero_grad()
        self._metrics["train"]["value_loss"].append(total)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        if self.args.should_save:
            folder = checkpoints.at(self.args.output_dir, self.state.global_step)
            critics.save(self.critic, self.critic_optimizer, folder)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        critics.load(self.critic, self.critic_optimizer, Path(resume_from_checkpoint))
