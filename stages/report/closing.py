"""What to do with what came out: where the weights are, how to load them, what to ask.

The same words end a run and stand in its report: text that is Markdown as well. No torch here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.artifact import Artifact
from stages.tiny.examples import EXAMPLES

Stages = Mapping[str, Mapping[str, Any]]

_ORIGINS = ("pretrain", "pretrained")  # kinds whose weights a run only starts from


def words(artifacts: Mapping[str, Artifact], config: Mapping[str, Any]) -> str:
    """The words about the models among these artifacts; empty if there is none.

    artifacts: those that the run was asked for, by stage. config: the whole resolved config.
    """
    stages: Stages = config["stages"]
    made = {name: a for name, a in artifacts.items() if a.type == "model"}
    models = _asked_for(made, config) or _shown(made, config) or _last(made, stages)
    if not models:
        return ""
    first = models[0]
    width = max(map(len, models))
    listed = [f"    {name:{width}}  {_place(made[name])}" for name in models]
    ask = EXAMPLES[0] if _is_tiny(first, stages) else "What is 12 times 13?"
    return "\n".join(
        [
            f"Weights, in Hugging Face format (`r1 export {first} DIR` hands them on):",
            "",
            *listed,
            "",
            f"To ask {first}, in Python:",
            "",
            "    from transformers import pipeline",
            f'    weights = "{_place(made[first])}"',
            '    model = pipeline("text-generation", weights)',
            f'    reply = model([{{"role": "user", "content": "{ask}"}}])',
            '    print(reply[0]["generated_text"][-1]["content"])',
            *_about_the_world(first, stages),
        ]
    )


def _asked_for(made: Mapping[str, Artifact], config: Mapping[str, Any]) -> list[str]:
    """The models that `until` or `only` names, or that the evaluations named there look at."""
    named = config.get("until") or config.get("only") or []
    names = [named] if isinstance(named, str) else list(named)
    models = [config["stages"].get(name, {}).get("evaluates") or name for name in names]
    return [name for name in dict.fromkeys(models) if name in made]


def _shown(made: Mapping[str, Artifact], config: Mapping[str, Any]) -> list[str]:
    """The last of the stages that the report shows, and the students."""
    shown = (config.get("claims") or {}).get("shown") or {}
    last = [name for name in shown.get("stages", ()) if name in made][-1:]
    students = [name for group in shown.get("students", ()) for name in group["trained"]]
    return [*last, *(name for name in students if name in made)]


def _last(made: Iterable[str], stages: Stages) -> list[str]:
    """The model at the end of the graph."""
    return [name for name in made if stages[name]["kind"] not in _ORIGINS][-1:]


def _place(artifact: Artifact) -> str:
    """The folder of the weights, as it is reached from here."""
    near = os.path.relpath(artifact.model_path)
    return str(artifact.model_path) if near.startswith(os.pardir) else near


def _is_tiny(stage: str, stages: Stages) -> bool:
    """Whether a model goes back to a base of the tiny world."""
    while source := stages[stage].get("init_from"):
        stage = source
    return bool(stages[stage]["kind"] == "pretrain")


def _about_the_world(stage: str, stages: Stages) -> list[str]:
    if not _is_tiny(stage, stages):
        return []
    others = [f"    {example}" for example in EXAMPLES[1:]]
    return ["", "It knows nothing but its tiny world. Ask it these, too:", "", *others]
