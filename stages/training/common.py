"""What every trained stage shares: loading, training that goes on where it was killed, saving.

    source, tokenizer = start(inputs, context)
    trainer = …(callbacks=[StageCallback(context)])
    health = train(trainer, tokenizer, context, config.health)

Checkpoints are in stages/training/checkpoints.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Trainer,
    TrainerCallback,
)

from pipeline import meter
from pipeline.artifact import Inputs
from pipeline.context import Context, asked_to_leave
from stages.models.folder import brings_code
from stages.models.quirks import attention_of, without_end_as_pad, without_router_loss
from stages.settings.health import Health
from stages.tiny.tokenizer import save_tokenizer
from stages.training import checkpoints, parallel
from stages.training.curves import curves_of
from stages.training.health_monitor import HealthMonitor

#: What the Trainer keeps of its own logs in every checkpoint: curves are in metrics.jsonl.
LOGS_IN_CHECKPOINT = 2  # a stage's facts read the last step, which its summary comes after


def use_threads(threads: int) -> None:
    """Let torch use exactly the CPU threads that the launcher gave this stage."""
    torch.set_num_threads(threads)


def start(inputs: Inputs, context: Context) -> tuple[Path, PreTrainedTokenizerBase]:
    """The model directory that a stage starts from, and its tokenizer."""
    use_threads(context.threads)
    source = inputs["init_from"][0].model_path
    return source, load_tokenizer(source)


def train(
    trainer: Trainer,
    tokenizer: PreTrainedTokenizerBase,
    context: Context,
    health: Health,
    bf16: bool = False,
) -> dict[str, Any]:
    """Go on from the newest whole checkpoint, train to the end, write the model to publish.

    The stage's curves are rewound to that checkpoint, so that no step is logged twice. Returns
    what the rules of `health` found, for the manifest's facts.
    """
    monitor = HealthMonitor(health, context, bf16)
    trainer.add_callback(monitor)
    newest = parallel.agreed(lambda: checkpoints.last(context.work))
    context.rewind(checkpoints.step_of(newest) if newest else -1, newest)
    with meter.phase("train"):
        trainer.train(resume_from_checkpoint=str(newest) if newest else None)
    with meter.phase("save"):
        model = parallel.published(trainer)
        context.lead()
        save_model(model, tokenizer, context.output / "model", bf16)
    return monitor.watch.facts()


def on_gpu() -> bool:
    """Whether this stage runs on CUDA; nothing else in the code path depends on the device."""
    return torch.cuda.is_available()


def load_tokenizer(path: Path) -> PreTrainedTokenizerBase:
    """The tokenizer of a model directory, padding left, with a pad token."""
    tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=brings_code(path))
    tokenizer.padding_side = "left"
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_model(path: Path, attention: str = "sdpa") -> PreTrainedModel:
    """A causal model with fp32 master weights, whatever dtype it was published in."""
    model = AutoModelForCausalLM.from_pretrained(
        path,
        dtype=torch.float32,
        attn_implementation=attention_of(path, attention),
        trust_remote_code=brings_code(path),
    )
    return without_router_loss(model)


def save_model(
    model: Any, tokenizer: PreTrainedTokenizerBase, directory: Path, bf16: bool = False
) -> None:
    """Publish a model that plain transformers loads: safetensors, tokenizer, generation config.

    LoRA adapters are merged first. `bf16` halves the files and suits models trained in bf16.
    """
    merged = model.merge_and_unload() if hasattr(model, "merge_and_unload") else model
    merged = merged.to(torch.bfloat16 if bf16 else torch.float32)
    merged.config.use_cache = True  # gradient checkpointing turns it off
    without_end_as_pad(without_router_loss(merged)).save_pretrained(directory)
    _open_as_others(directory)
    save_tokenizer(tokenizer, directory)


def _open_as_others(directory: Path) -> None:
    """Give the weights the mode of the other files: safetensors lets only their owner read them."""
    mode = (directory / "config.json").stat().st_mode
    for weights in directory.glob("*.safetensors"):
        weights.chmod(mode)


class StageCallback(TrainerCallback):
    """Sends the Trainer's logs to the stage's curves and marks each checkpoint as complete.

    A stage that is asked to leave its machine saves at the next step that is a multiple of `whole`,
    and leaves.
    """

    def __init__(self, context: Context, whole: int = 1) -> None:
        self.context = context
        self._whole = whole
        self._leaves = False
        self._before = meter.OTHER  # the phase that a checkpoint is written in

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.context.saves_when_asked()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        meter.count(updates=1)
        self.context.progress(state.global_step, state.max_steps)
        if self.context.scheduled and state.global_step % self._whole == 0:
            self._leaves = parallel.most(int(asked_to_leave())) > 0  # of all ranks, or none
            control.should_save |= self._leaves
        if control.should_save:
            self.context.fence()

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        del state.log_history[:-LOGS_IN_CHECKPOINT]
        if curves := curves_of(logs or {}):
            self.context.log(state.global_step, curves)
        if control.should_save:  # what the Trainer does next
            self._before = meter.turn_to("save")

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        checkpoint = checkpoints.at(args.output_dir, state.global_step)
        parallel.meet()  # every rank has written what it has
        if state.is_world_process_zero:
            self.context.keep_curve(checkpoint)
            checkpoints.mark_complete(checkpoint)
        meter.turn_to(self._before)
        if self._leaves:
            parallel.meet()  # the list of the checkpoint is written
            self.context.leave()
