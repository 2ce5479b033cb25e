"""The model card of an exported model, as Markdown with the Hugging Face hub's header."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.artifact import Artifact
from pipeline.compose import compose
from pipeline.notices import kept
from pipeline.project import Project
from pipeline.situation import Situation
from pipeline.statistics import Bootstrap
from stages.commands.export.lineage import Lineage, Step
from stages.commands.export.usage import usage
from stages.commands.fidelity.departures import (
    REFERENCE,
    Departure,
    departures,
    reference_overrides,
)
from stages.commands.fidelity.page import departed
from stages.report import tables, trained
from stages.report.evidence import Evidence
from stages.report.gather import estimates

HEADER = """---
library_name: transformers
pipeline_tag: {task}
{base}tags: [r1-recipe, reasoning]
---"""


@dataclass(frozen=True)
class Card:
    """What a card is written from. recipe: its name and profile."""

    artifact: Artifact
    lineage: Lineage
    recipe: str
    departures: tuple[Departure, ...]

    @classmethod
    def of(cls, artifact: Artifact, lineage: Lineage, situation: Situation) -> Card:
        """The card of a stage's result in a composed recipe."""
        found = (d for d in _departures(situation) if d.stage in lineage.stages)
        return cls(artifact, lineage, situation.composed.name, tuple(found))


def _departures(situation: Situation) -> Iterator[Departure]:
    project: Project = situation.project
    reference = compose(project, reference_overrides(situation.composed))
    yield from departures(situation.composed, reference, project.kinds().edges)


def write_card(card: Card) -> str:
    """The whole README.md."""
    sections = (
        ("How to run it", usage(card.artifact, card.lineage)),
        ("Evaluation", _evaluation(card)),
        ("What it goes back to", _lineage(card)),
        ("Data, and models that made or judged it", _others(card)),
        ("To be read with care", _care(card)),
    )
    parts = [_header(card), _title(card), *(f"## {t}\n\n{text}" for t, text in sections if text)]
    departing = departed(f"What departs from `{REFERENCE}`", card.departures)
    return "\n\n".join(parts) + "\n" + "".join(f"{line}\n" for line in departing)


def _header(card: Card) -> str:
    """`base_model` is a name of the hub: a folder of this machine is no name for others."""
    reads = card.artifact.type == "reward_model"
    facts = (card.lineage.weights[0].manifest or {}).get("facts", {})
    base = f"base_model: {facts['source']}\n" if facts.get("revision") else ""
    return HEADER.format(task="text-classification" if reads else "text-generation", base=base)


def _title(card: Card) -> str:
    artifact, manifest = card.artifact, card.artifact.manifest
    what = "reward model" if card.artifact.type == "reward_model" else "language model"
    code = manifest.get("code") or {}
    lines = (
        f"# {artifact.stage}",
        f"A {what} made by the stage `{artifact.stage}` (`{manifest['kind']}`) of "
        f"`{card.recipe}`, an open implementation of DeepSeek-R1's training (arXiv 2501.12948). "
        "Written by `r1 export` from the manifests of its results.",
        f"- result: `{artifact.stage}/{artifact.fingerprint}`, made {manifest['created']}\n"
        f"- code: {code.get('commit') or 'unknown'}\n"
        f"- seed: {manifest.get('seed')}",
    )
    return "\n\n".join(lines)


def _evaluation(card: Card) -> str:
    parts = []
    if card.artifact.type == "reward_model":
        config = {card.artifact.stage: card.artifact.manifest.get("config", {})}
        parts.append(trained.reward_models({card.artifact.stage: card.artifact}, config))
    for evaluation in card.lineage.evaluations:
        model = str(evaluation.facts["model"])
        found = estimates(Evidence({evaluation.stage: evaluation}), model, _bootstrap(evaluation))
        parts.append(_sampled(evaluation))
        parts.append(tables.evaluations([model], {model: found}))
    if not parts:
        name = card.artifact.stage
        return f"Nobody evaluated it yet: `r1 eval {name} heldout`, then export it again."
    if card.lineage.evaluations:
        parts.append("Brackets: 95 % bootstrap interval over problems, of one training, one seed.")
    return "\n\n".join(parts)


def _bootstrap(evaluation: Artifact) -> Bootstrap:
    """As the evaluation made its own intervals."""
    manifest = evaluation.manifest
    return Bootstrap(manifest["config"]["bootstrap_draws"], manifest["seed"])


def _sampled(evaluation: Artifact) -> str:
    """Which problems, and how they were asked."""
    facts, sampling = evaluation.facts, evaluation.manifest["config"].get("sampling", {})
    inputs = evaluation.manifest["inputs"]
    problems = ", ".join(i["stage"] for i in inputs if i["edge"] == "data_from")
    how = ", ".join(f"{key} {value}" for key, value in sampling.items())
    return (
        f"**{problems}** (`{evaluation.stage}/{evaluation.fingerprint}`): {facts['problems']} "
        f"problems, {facts['samples_per_problem']} samples of each; {how}"
    )


def _lineage(card: Card) -> str:
    head = ["stage", "kind", "steps", "tokens", "time", "result"]
    rows = [_trained(step) for step in card.lineage.weights]
    return tables.table(head, rows)


def _trained(step: Step) -> list[str]:
    manifest = step.manifest
    if manifest is None:
        return [step.stage, *[tables.NONE] * 4, f"{step.fingerprint}, no longer in the store"]
    facts = manifest["facts"]
    kind = manifest["kind"]
    if facts.get("source"):
        kind += f": {facts['source']} {facts.get('revision') or ''}".rstrip()
    counts = [f"{facts[key]:,}" if key in facts else tables.NONE for key in ("steps", "tokens")]
    time = tables.duration(float(manifest.get("seconds", 0.0)))
    return [step.stage, kind, *counts, time, step.fingerprint]


def _others(card: Card) -> str:
    """Rows, and the models that made or judged them, each with what used it."""
    rows = [
        [
            step.stage,
            _origin(step.manifest),
            _licence(step.manifest),
            _funnel(step.manifest),
            ", ".join(step.used_by),
        ]
        for step in card.lineage.others
    ]
    head = ["stage", "kind, and where from", "licence", "rows, by reason", "used by"]
    return tables.table(head, rows) if rows else ""


def _funnel(manifest: Mapping[str, Any] | None) -> str:
    funnel = (manifest or {}).get("funnel", {})
    return ", ".join(f"{key} {count}" for key, count in funnel.items() if count) or tables.NONE


def _origin(manifest: Mapping[str, Any] | None) -> str:
    if manifest is None:
        return "no longer in the store"
    config, facts = manifest.get("config") or {}, manifest.get("facts") or {}
    path, home = config.get("path"), (config.get("about") or {}).get("home")
    if not path:
        return str(manifest["kind"])
    revision = facts.get("revision") or config.get("revision")
    of = f" of {home}" if home and home != path else ""
    at = f" at {revision}" if revision else ""
    return f"{manifest['kind']}: {path}{of}{at}"


def _licence(manifest: Mapping[str, Any] | None) -> str:
    """The licence that the file of a public data set says."""
    about = ((manifest or {}).get("config") or {}).get("about") or {}
    return str(about.get("licence") or tables.NONE)


def _care(card: Card) -> str:
    notes = [
        f"{step.stage} warned: {text}."
        for step in card.lineage.weights
        for text in kept((step.manifest or {}).get("facts", {}))
    ]
    notes.append(
        "Licences of the base and of the data hold for what was made of them. Those of data sets "
        "are in the table above, as far as they are known; this card gives none."
    )
    return "\n".join(f"- {note}" for note in notes)
