"""What every RL stage looks at before it trains, by whichever engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from pipeline.artifact import Inputs
from pipeline.context import Context
from pipeline.errors import UsageError
from stages.chat.text_template import give_template
from stages.kinds.rl.config import RLConfig
from stages.models.folder import brings_code
from stages.models.window import require_window
from stages.rewards.preference import load_scorers
from stages.rewards.terms import Term, build_terms, require_rows
from stages.rewards.windows import require_windows
from stages.rl.algorithms.drawing import overlong_term
from stages.rl.apart import apart
from stages.rl.problems import Problems
from stages.rl.prompts import Prompt, of_domains, prepare_prompts
from stages.rl.schedule import length_limits
from stages.training.common import start
from stages.verifiers.answer import policy_of
from stages.verifiers.pool import VerifierPool


@dataclass(frozen=True)
class Start:
    """What a stage begins with. funnel: prompts that were left out, by reason."""

    source: Path
    tokenizer: PreTrainedTokenizerBase
    problems: Problems
    prompts: list[Prompt]
    funnel: dict[str, int]


def begin(config: RLConfig, inputs: Inputs, context: Context) -> Start:
    """The model of `init_from` and the prompts of `data_from`, if nothing stands against them."""
    source, tokenizer = start(inputs, context)
    require_plain(config, source, context)
    require_room(config, source, context)
    give_template(tokenizer, config.template, f"stages.{context.stage}.template")
    problems = Problems.of(config, inputs, context.stage)
    prompts, funnel = prompts_of(config, problems, tokenizer, context.stage)
    return Start(source, tokenizer, problems, prompts, funnel)


def prompts_of(
    config: RLConfig, problems: Problems, tokenizer: Any, stage: str
) -> tuple[list[Prompt], dict[str, int]]:
    """The prompts of `data_from` that are of the stage's domains and fit, and what was left out."""
    rows, no_rule = problems.rows, problems.no_rule
    prompts, funnel = prepare_prompts(of_domains(rows, config.domains, stage), tokenizer, config)
    other = {"other_domain": len(rows) - funnel.pop("problems")}
    other |= {"no_rule": no_rule} if no_rule else {}
    return prompts, {"problems": len(rows) + no_rule, **other, **funnel}


def require_room(config: RLConfig, source: Path, context: Context) -> None:
    """The longest prompt with the longest completion that any step allows."""
    key, longest = _longest(config)
    key = f"stages.{context.stage}: max_prompt_tokens and {key}"
    require_window(source, config.max_prompt_tokens + longest, key)


def require_plain(config: RLConfig, source: Path, context: Context) -> None:
    """Engines with copies open a folder that is no artifact, so nobody vouches for code in it."""
    if apart(config) and brings_code(source):
        raise UsageError(
            f"stages.{context.stage}.rollout.engine: the model brings Python code of its own, and "
            "engines with copies of its weights run none: set rollout.engine=transformers and "
            "rollout_ahead=0"
        )


def _longest(config: RLConfig) -> tuple[str, int]:
    """The key that allows the longest completions of any step, and their tokens."""
    return max(length_limits(config).items(), key=lambda limit: limit[1])


def terms_of(
    config: RLConfig, inputs: Inputs, prompts: Sequence[Prompt], pool: VerifierPool, stage: str
) -> list[Term]:
    """The terms of the reward: each has rows to score, which reward models can see whole."""
    scorers = load_scorers(inputs.get("score_with", ()), policy_of(config.verifiers))
    terms = build_terms(
        config.rewards, pool=pool, scorers=scorers, total_steps=config.max_steps, stage=stage
    )
    if config.algorithm.overlong:
        terms.append(overlong_term())
    rows = [prompt.row for prompt in prompts]
    require_rows(terms, rows, stage)
    scored = {term.name: [row for row in rows if term.applies(row)] for term in terms}
    acting = {name: scorer for name, scorer in scorers.items() if name in scored}
    key, longest = _longest(config)
    require_windows(acting, scored, longest, stage, key)
    return terms
