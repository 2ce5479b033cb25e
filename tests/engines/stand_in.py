"""A small program in the place of verl: its command line, its files and its reward function.

    python stand_in.py -m verl.trainer.main_ppo KEY=VALUE …

It composes the overrides over verl 0.9.1's own configuration, so a key that verl lacks stops it.
Then it does what verl does, with one process on a CPU: opens model.path, goes on from the newest
checkpoint, draws a rollout, asks the custom reward function for every completion at once, takes a
step of the clipped GRPO loss for each minibatch, logs a line, saves sharded weights and a Hugging
Face export.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import torch
from hydra import compose, initialize_config_dir
from transformers import AutoModelForCausalLM, AutoTokenizer

DATA = Path(__file__).parent.parent / "data" / "verl"


def main(words: list[str]) -> None:
    assert words[:2] == ["-m", "verl.trainer.main_ppo"], words
    with initialize_config_dir(str(DATA), version_base="1.3"):
        config = compose("ppo_trainer", overrides=words[2:])
    Trainer(config).fit()


class Trainer:
    """One run of it, from the newest checkpoint to the last step."""

    def __init__(self, config: Any) -> None:
        self.config = config
        actor, rollout = config.actor_rollout_ref.actor, config.actor_rollout_ref.rollout
        self.actor, self.rollout = actor, rollout
        path = config.actor_rollout_ref.model.path
        self.tokenizer = AutoTokenizer.from_pretrained(path)
        self.model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
        self.reference = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=actor.optim.lr, weight_decay=actor.optim.weight_decay
        )
        self.rows = pq.read_table(config.data.train_files).to_pylist()
        self.folder = Path(config.trainer.default_local_dir)
        self.step, self.read = 0, 0
        self.log = Path(os.environ["VERL_FILE_LOGGER_PATH"])
        self.log.write_text("")  # verl begins it anew, too
        self.reward = self.load_reward()

    def load_reward(self) -> Any:
        path = self.config.reward.custom_reward_function.path
        spec = importlib.util.spec_from_file_location("custom_reward", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return getattr(module, self.config.reward.custom_reward_function.name)

    def fit(self) -> None:
        self.load()
        torch.manual_seed(self.rollout.seed + self.step)
        while self.step < self.config.trainer.total_training_steps:
            self.step += 1
            metrics = self.train()
            last = self.step == self.config.trainer.total_training_steps
            if last or self.step % self.config.trainer.save_freq == 0:
                self.save()
            with self.log.open("a") as log:
                log.write(json.dumps({"step": self.step, "data": metrics}) + "\n")
            print(
                f"step:{self.step} - critic/score/mean:{metrics['critic/score/mean']}", flush=True
            )

    # A rollout

    def train(self) -> dict[str, float]:
        count = self.config.data.train_batch_size
        rows = (self.rows * 2)[self.read : self.read + count]
        assert len(rows) == count
        self.read = (self.read + count) % len(self.rows)
        batch = self.draw(rows)
        texts = self.tokenizer.batch_decode(batch["said"], skip_special_tokens=True)
        rewards_BN = torch.tensor(self.ask(rows, texts)).view(-1, self.rollout.n)
        advantages = (rewards_BN - rewards_BN.mean(1, keepdim=True)).flatten()
        if self.config.algorithm.norm_adv_by_std_in_grpo:
            advantages /= rewards_BN.std(1, keepdim=True).expand_as(rewards_BN).flatten() + 1e-6
        size = self.actor.ppo_mini_batch_size * self.rollout.n
        found = [
            self.update({name: value[at : at + size] for name, value in batch.items()},
                        advantages[at : at + size])
            for at in range(0, len(advantages), size)
        ]  # fmt: skip
        lengths = batch["mask"].sum(1).float()
        limit = self.config.data.max_response_length
        return {
            **{name: sum(one[name] for one in found) / len(found) for name in found[0]},
            "critic/score/mean": float(rewards_BN.mean()),
            "response_length/mean": float(lengths.mean()),
            "response_length/clip_ratio": float((lengths == limit).float().mean()),
            "timing_s/step": 1.0,
            "critic/values/mean": float("nan"),
        }

    def draw(self, rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        talks = [row["prompt"] for row in rows for _ in range(self.rollout.n)]
        asked = self.tokenizer.apply_chat_template(
            talks, add_generation_prompt=True, tokenize=True, padding=True, return_dict=True,
            return_tensors="pt",
        )  # fmt: skip
        with torch.no_grad():
            whole = self.model.generate(
                **asked, do_sample=True, temperature=self.rollout.temperature, top_k=0,
                max_new_tokens=self.config.data.max_response_length,
                pad_token_id=self.tokenizer.pad_token_id,
            )  # fmt: skip
        said = whole[:, asked.input_ids.shape[1] :]
        ended = (said == self.tokenizer.eos_token_id).cumsum(1)
        mask = ((ended == 0) | ((ended == 1) & (said == self.tokenizer.eos_token_id))).long()
        attention = torch.cat([asked.attention_mask, mask], 1)
        batch = {"whole": whole, "attention": attention, "said": said * mask, "mask": mask}
        with torch.no_grad():
            batch |= {
                "old": self.logps(self.model, batch),
                "ref": self.logps(self.reference, batch),
            }
        return batch

    def ask(self, rows: list[dict[str, Any]], texts: list[str]) -> list[float]:
        async def all_of_them() -> list[float]:
            return list(
                await asyncio.gather(*(self.score(rows, n, t) for n, t in enumerate(texts)))
            )

        return asyncio.run(all_of_them())

    async def score(self, rows: list[dict[str, Any]], number: int, text: str) -> float:
        row = rows[number // self.rollout.n]
        info = dict(row["extra_info"])
        truth = row["reward_model"]["ground_truth"]
        found = await self.reward(
            data_source=row["data_source"], solution_str=text, ground_truth=truth, extra_info=info
        )
        return float(found)

    def logps(self, model: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        width = batch["said"].shape[1]
        position = (batch["attention"].cumsum(1) - 1).clamp(min=0)
        logits = model(batch["whole"], attention_mask=batch["attention"], position_ids=position)
        logits = logits.logits[:, -width - 1 : -1] / self.rollout.temperature
        said = batch["whole"][:, -width:, None]
        return logits.log_softmax(-1).gather(-1, said)[..., 0]

    def update(self, batch: dict[str, torch.Tensor], advantages: torch.Tensor) -> dict[str, float]:
        assert self.actor.loss_agg_mode == "seq-mean-token-mean"
        logps, mask = self.logps(self.model, batch), batch["mask"]
        ratio = (logps - batch["old"]).exp()
        clipped = ratio.clamp(1 - self.actor.clip_ratio_low, 1 + self.actor.clip_ratio_high)
        loss = -torch.minimum(ratio * advantages[:, None], clipped * advantages[:, None])
        gap = batch["ref"] - logps
        kl = gap.exp() - gap - 1
        mean_of = lambda per_token: ((per_token * mask).sum(1) / mask.sum(1)).mean()  # noqa: E731
        total = mean_of(loss) + self.actor.kl_loss_coef * mean_of(kl)
        total.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.actor.optim.clip_grad)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return {
            "actor/loss": float(total),
            "actor/kl_loss": float(mean_of(kl)),
            "actor/pg_clipfrac": float(mean_of((ratio != clipped).float())),
            "actor/grad_norm": float(norm),
            "actor/lr": float(self.actor.optim.lr),
        }

    # Checkpoints, as verl lays them out

    def load(self) -> None:
        tracker = self.folder / "latest_checkpointed_iteration.txt"
        if not tracker.exists():
            return
        self.step = int(tracker.read_text())
        folder = self.folder / f"global_step_{self.step}"
        self.model.load_state_dict(torch.load(folder / "actor/model_world_size_1_rank_0.pt"))
        self.optimizer.load_state_dict(torch.load(folder / "actor/optim_world_size_1_rank_0.pt"))
        data = folder / "data.pt"
        self.read = torch.load(data) if data.exists() else 0
        print(f"Resuming from {folder}, row {self.read}", flush=True)

    def save(self) -> None:
        folder = self.folder / f"global_step_{self.step}"
        actor = folder / "actor"
        actor.mkdir(parents=True, exist_ok=True)
        torch.save(self.model.state_dict(), actor / "model_world_size_1_rank_0.pt")
        torch.save(self.optimizer.state_dict(), actor / "optim_world_size_1_rank_0.pt")
        assert "hf_model" in self.actor.checkpoint.save_contents
        shutil.rmtree(actor / "huggingface", ignore_errors=True)
        export = AutoModelForCausalLM.from_config(self.model.config).to(torch.bfloat16)
        export.load_state_dict(self.model.state_dict())
        export.save_pretrained(actor / "huggingface")
        self.tokenizer.save_pretrained(actor / "huggingface")
        torch.save(self.read, folder / "data.pt")
        (self.folder / "latest_checkpointed_iteration.txt").write_text(str(self.step))


if __name__ == "__main__":
    main(sys.argv[1:])
