"""On-policy distillation: the student answers, the teacher corrects every token of it.

Not in the paper, whose students see only what the teacher says. There, a student that makes one
mistake is where no training row has been. On-policy (GKD, arXiv 2306.13649; "On-Policy
Distillation", Thinking Machines Lab, 2025, thinkingmachines.ai/blog/on-policy-distillation) the
student is trained on its own answers, towards the teacher's distribution at each token: dense as
SFT, on its own states as RL. It needs no verifier and no reward.

Student and teacher must have one vocabulary: the loss compares distributions token by token. So
Qwen2.5-Math-7B cannot teach Llama-3.1-8B, nor Qwen2.5-1.5B, whose padded vocabulary is smaller.

A stage killed at any moment goes on from its last complete checkpoint, to the same weights.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import AutoModelForCausalLM, PreTrainedTokenizerBase, PrinterCallback
from trl import DistillationConfig

from pipeline.artifact import Inputs, of_type
from pipeline.context import Context
from pipeline.errors import RecipeError
from pipeline.kinds import Outputs
from stages.kinds.on_policy_distill.kind import OnPolicyDistillConfig
from stages.models.folder import brings_code
from stages.models.quirks import attention_of
from stages.models.window import require_window
from stages.rl.distiller import OnPolicyDistiller
from stages.rl.prompts import Prompt, prepare_prompts
from stages.rollout.decoding import ATTENTION
from stages.rows.schemas import read_rows
from stages.training import compute
from stages.training.arguments import lora_config, split_batch, trainer_arguments
from stages.training.common import StageCallback, load_model, load_tokenizer, start, train
from stages.training.parallel import gang_arguments

PROMPTS = ("problems", "conversations")


def run(config: OnPolicyDistillConfig, inputs: Inputs, context: Context) -> Outputs:
    """Train the model of `init_from` on its own answers to the prompts of `data_from`."""
    source, tokenizer = start(inputs, context)
    (teacher,) = inputs["teach_with"]
    longest = config.max_prompt_tokens + config.sampling.max_tokens
    for model in (source, teacher.model_path):
        tokens = f"stages.{context.stage}: max_prompt_tokens and sampling.max_tokens"
        require_window(model, longest, tokens)
    _check_vocabulary(tokenizer, load_tokenizer(teacher.model_path), context.stage, teacher.stage)
    data = [artifact for type_ in PROMPTS for artifact in of_type(inputs, "data_from", type_)]
    rows = [row for artifact in data for row in read_rows(artifact.rows_path)]
    prompts, funnel = prepare_prompts(rows, tokenizer, config)  # type: ignore[arg-type]
    trainer, cost = _trainer(config, source, teacher.model_path, tokenizer, prompts, context)
    health = train(trainer, tokenizer, context, config.health, config.precision.bf16)
    facts = {
        "steps": trainer.state.global_step,
        "completions": trainer.state.global_step * config.prompts_per_step,
        "teacher": teacher.stage,
        "compute": cost.facts(trainer.tokens),
        "health": health,
    }
    return Outputs(facts=facts, funnel=funnel)


def _check_vocabulary(
    student: PreTrainedTokenizerBase, teacher: PreTrainedTokenizerBase, stage: str, taught_by: str
) -> None:
    if student.get_vocab() != teacher.get_vocab():
        raise RecipeError(
            f"stages.{stage}.teach_with={taught_by}: its vocabulary ({len(teacher)} tokens) is not "
            f"the student's ({len(student)}), and on-policy distillation compares them token by "
            "token; take a teacher of the same family, or distil by SFT on its samples"
        )


def _trainer(
    config: OnPolicyDistillConfig,
    source: Path,
    teacher_path: Path,
    tokenizer: PreTrainedTokenizerBase,
    prompts: list[Prompt],
    context: Context,
) -> tuple[OnPolicyDistiller, compute.Cost]:
    """The trainer, and what a token costs: to say, to learn, and to be read by the teacher."""
    student = load_model(source, ATTENTION)
    teacher = AutoModelForCausalLM.from_pretrained(
        teacher_path,
        dtype="auto",
        attn_implementation=attention_of(teacher_path),
        trust_remote_code=brings_code(teacher_path),
    )
    size, taught_by = compute.parameters(student), compute.parameters(teacher)
    per_token = compute.FORWARD + compute.LEARN + compute.FORWARD * taught_by / size
    trainer = OnPolicyDistiller(
        config,
        student,
        teacher,
        tokenizer,
        prompts,
        _arguments(config, context),
        [StageCallback(context)],
        peft_config=lora_config(config.lora),
    )
    trainer.remove_callback(PrinterCallback)
    return trainer, compute.Cost(size, per_token)


def _arguments(config: OnPolicyDistillConfig, context: Context) -> DistillationConfig:
    split = split_batch(config.prompts_per_step, config.micro_batch)
    shared: dict[str, Any] = trainer_arguments(
        context, config.optimizer, config.precision, config.save_steps
    )
    return DistillationConfig(
        **shared,
        **gang_arguments(config.parallel),
        max_steps=config.max_steps,
        per_device_train_batch_size=split.per_device,
        gradient_accumulation_steps=split.accumulation,
        beta=config.divergence,
        temperature=config.sampling.temperature,
        top_p=config.sampling.top_p,
        top_k=config.sampling.top_k,
        max_completion_length=config.sampling.max_tokens,
        disable_dropout=True,
        shuffle_dataset=False,  # the prompts come in their order of training: see distiller.py
        logging_nan_inf_filter=False,  # a NaN stops the stage; it is not papered over
    )
