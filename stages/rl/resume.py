"""What a resume of GRPO needs and TRL does not save: the synced reference, what is asked and drawn.

They are in a checkpoint's folder before its list of files is written, so that list vouches for
them. A checkpoint ends a rollout (`save_steps` is a multiple of `steps_per_rollout`), so of
completions it holds those of a rollout that was drawn ahead, and no others.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from peft import PeftModel
from safetensors.torch import load_model as load_weights
from safetensors.torch import save_model as save_weights
from trl import GRPOTrainer

from stages.rl import ahead
from stages.rl.ahead import Ahead
from stages.rl.groups import GroupDrawer
from stages.rl.peers import Peers
from stages.rl.prompt_stream import PromptStream
from stages.training import checkpoints

REFERENCE = "reference.safetensors"
PROMPTS = "prompts.json"


class ResumingTrainer(GRPOTrainer):
    """Saves and restores them."""

    stream: PromptStream
    peers: Peers
    ahead: Ahead
    drawer: GroupDrawer

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        drawn = self.ahead.waited()
        parts = self.peers.all([ahead.as_json(drawn)] if drawn else [])
        if not self.args.should_save:
            return
        folder = checkpoints.at(self.args.output_dir, self.state.global_step)
        (folder / PROMPTS).write_text(json.dumps(self.stream.state()))
        if parts:
            ahead.save(folder, parts)
        if self.ref_model is not None and self.args.sync_ref_model:
            save_weights(self.accelerator.unwrap_model(self.ref_model), str(folder / REFERENCE))

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint is not None:
            self.stream.restore(json.loads((Path(checkpoint) / PROMPTS).read_text()))
            self.ahead.keep(ahead.load(Path(checkpoint), self.peers.rank, self.drawer.policy))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        policy = self.accelerator.unwrap_model(self.model)
        if isinstance(policy, PeftModel):  # beside a second adapter transformers skips the first
            policy.load_adapter(resume_from_checkpoint, "default", is_trainable=True)
        saved = Path(resume_from_checkpoint) / REFERENCE
        if saved.exists():
            load_weights(self.accelerator.unwrap_model(self.ref_model), str(saved))
