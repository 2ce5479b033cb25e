"""What an evaluation can have set wrong: how it asks, and how much the model can see."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.kinds import Problem, Stage
from stages.checks import context
from stages.checks import prompts as asked
from stages.configs import EvaluateConfig
from stages.data import prompts
from stages.verifiers import VERIFIERS


def check(stage: Stage) -> Iterator[Problem]:
    """Its prompts, whether the model can be asked by a text, and the room for what it says."""
    config: EvaluateConfig = stage.config
    yield from context.evaluate(stage)
    yield from asked.template(config.template, config.system_prompt)
    served = [s.name for s in stage.inputs["evaluates"] if s.kind.produces == "served_model"]
    if config.template and served:
        yield Problem(
            "template",
            f"is set, and {served[0]} is behind a server, which has a template of its own: set it "
            "to null",
        )
    for verifier, prompt in (config.prompts or {}).items():
        if verifier not in VERIFIERS:
            yield Problem(
                f"prompts.{verifier}",
                f"there is no such verifier; there are {', '.join(VERIFIERS)}",
            )
        yield from prompts.problems(prompt, f"prompts.{verifier}")
