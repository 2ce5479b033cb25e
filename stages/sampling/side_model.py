"""Models that a stage asks beside the one that it samples: rewriters and judges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.artifact import Artifact
from stages.chat.encoding import token_ids
from stages.chat.template import Message, render_prompt
from stages.rows.schemas import PROBLEM
from stages.sampling.collect import Job
from stages.settings.generation import Sampling

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from stages.kinds.judged.kind import PreferencesConfig
    from stages.kinds.sample.config import SampleConfig

Config = TypeVar("Config", "SampleConfig", "PreferencesConfig")


def asking(config: Config, model: Artifact, sampling: Sampling) -> Config:
    """A stage's config for the engines of `model`; a served one is asked through its server."""
    engine = "server" if model.type == "served_model" else config.rollout.engine
    return replace(config, rollout=replace(config.rollout, engine=engine), sampling=sampling)


def job(
    tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message], n: int, **more: Any
) -> Job:
    """n replies to a conversation, which nothing verifies. more: kept in the job's problem."""
    (ids,) = token_ids(tokenizer, [render_prompt(tokenizer, messages)])
    problem: Mapping[str, Any] = dict.fromkeys(PROBLEM.names) | {"verifier": ""} | more
    return Job(dict(problem), ids, n)
