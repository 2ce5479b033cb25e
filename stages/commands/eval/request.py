"""What `r1 eval` was asked for, as stages of a recipe: each model evaluated on each benchmark."""

from __future__ import annotations

import argparse
import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline import manifest as manifests
from pipeline import seeds
from pipeline.artifact import MANIFEST
from pipeline.compose import Composed, compose
from pipeline.errors import UsageError
from pipeline.graph import stages_of
from pipeline.kinds import Registry
from pipeline.project import Project
from stages.commands.eval.words import (
    SERVED,
    Benchmark,
    is_override,
    makers,
    slug,
    sort_words,
    there_is,
)
from stages.commands.fidelity.departures import REFERENCE
from stages.kinds.evaluate.config import EvaluateConfig
from stages.kinds.evaluate.settle import pass_at, samples_of, with_samples
from stages.kinds.pretrained.kind import PretrainedConfig
from stages.kinds.served_model.kind import ServedModelConfig
from stages.registry import REGISTRY
from stages.settings.hub import Hub
from stages.settings.prompts import Prompt
from stages.settings.stage import StageConfig

ROUNDS = 4  # of requests to a server that are lost by a kill; samples from there cost most
PAPER = "paper_settings"  # the stage that --paper composes


@dataclass(frozen=True)
class Request:
    """The recipe with what was asked for, and the stages that are asked: (model, benchmark).

    Those of seeds that are not the first are called as pipeline/seeds.py says.
    """

    composed: Composed
    models: list[str]
    benchmarks: list[str]
    evaluations: dict[tuple[str, str], str]

    @property
    def seeds(self) -> list[int]:
        return seeds.read(self.composed.root)

    def stage(self, model: str, benchmark: str, seed: int) -> str:
        """The evaluation of a model on a benchmark for one seed."""
        return seeds.of_seed(self.evaluations[model, benchmark], seed, self.composed.stages)


def read_request(project: Project, options: argparse.Namespace) -> Request:
    """The stages that the words of the command come to; raises UsageError for a wrong word."""
    overrides = [word for word in options.words if is_override(word)]
    general = [word for word in overrides if not word.lstrip("+~").startswith("stages.")]
    recipe = compose(project, general)
    known = recipe.stages  # a stage that a word adds may be overridden too
    slots = recipe.root.get("slots", {})
    asked = [word for word in options.words if not is_override(word)]
    words = [name for word in asked for name in slots.get(word, [word])]
    models, benchmarks = sort_words(words, known, project)
    for benchmark in benchmarks:
        benchmark.check_file()
    added = [o for b in benchmarks if b.file or b.name not in known for o in b.overrides()]
    if options.paper:
        added.append(f"+stage@stages.{PAPER}=evaluate")
    training = [word for word in overrides if not _of_engine(word)]
    composed = compose(project, [*added, *training])
    engine = composed
    if training != overrides:  # of these evaluations alone: no model is trained again for it
        engine = compose(project, [*added, *overrides])
    like = _as_paper(project, engine) if options.paper else _like(engine.stages, models[0])
    return _with_evaluations(composed, like, models, benchmarks, options, project.kinds())


def _as_paper(project: Project, composed: Composed) -> EvaluateConfig:
    """How the paper evaluates (D.1), whatever the profile says, by the profile's engine."""
    group = REFERENCE.partition("=")[0]
    kept = [word for word in composed.overrides if word.partition("=")[0] != group]
    paper = _evaluate_config(compose(project, [*kept, REFERENCE]))
    return dataclasses.replace(paper, rollout=_evaluate_config(composed).rollout)


def _evaluate_config(composed: Composed) -> EvaluateConfig:
    config = composed.stages[PAPER]
    assert isinstance(config, EvaluateConfig)
    return config


def _of_engine(word: str) -> bool:
    """Whether an override chooses the engine that generates: rollout=vllm, rollout.dtype=…"""
    return re.split(r"[.=]", word.lstrip("+~"))[0] == "rollout"


def _with_evaluations(
    composed: Composed,
    like: EvaluateConfig,
    words: Sequence[str],
    benchmarks: Sequence[Benchmark],
    options: argparse.Namespace,
    registry: Registry,
) -> Request:
    """The recipe with the stages that were asked for, which sample like `like`."""
    stages = {name: stage for name, stage in composed.stages.items() if name != PAPER}
    hub = Hub(**composed.root["hub"])
    models = [_model_stage(word, stages, like, hub, options.revision) for word in words]
    problems = [benchmark.stage for benchmark in benchmarks]
    evaluations, (_, *others) = {}, seeds.read(composed.root)
    for benchmark in problems:
        _check_makes_problems(stages, benchmark, registry)
        for model in models:
            name = f"{model}_on_{benchmark}"
            stages[name] = _evaluation(like, model, benchmark, stages, options)
            evaluations[model, benchmark] = name
            for seed in others:
                stages[seeds.named(name, seed)] = dataclasses.replace(stages[name], seed=seed)
    outside = [model for model in models if model not in composed.stages]
    only = [*outside, *problems, *evaluations.values()]
    name = "-".join([*map(slug, models), *problems])
    return Request(_asking(composed, stages, only, name), models, problems, evaluations)


def _asking(
    composed: Composed, stages: dict[str, StageConfig], only: list[str], name: str
) -> Composed:
    """The composed recipe, of which nothing but these stages is run."""
    new = stages.keys() - composed.stages.keys()
    plain = {key: value for key, value in composed.root["stages"].items() if key in stages}
    paths = composed.root["paths"]
    root = composed.root | {
        "stages": plain | {stage: dataclasses.asdict(stages[stage]) for stage in new},
        "until": None,
        "only": only,
        "paths": paths | {"runs": f"{paths['root']}/eval/runs"},
    }
    return Composed(root, stages, {"recipe": name}, composed.overrides)


def _model_stage(
    model: str,
    stages: dict[str, StageConfig],
    like: EvaluateConfig,
    hub: Hub,
    revision: str | None,
) -> str:
    """The stage that is the model; one from elsewhere becomes a stage of its own."""
    if model in stages and seeds.plain(model) != model:
        raise UsageError(f"MODEL {model}: name {seeds.plain(model)}; every seed of it is evaluated")
    if model in stages:
        return model
    if served := SERVED.fullmatch(model):
        from stages.rollout.chat_server import check_url  # httpx takes its time

        url, name = served["url"], served["model"]
        check_url(url, f"MODEL {name}@URL")
        place = slug(f"{name}_at_{url.partition('://')[2].removesuffix('/v1')}")
        server = like.rollout.server
        stages[place] = ServedModelConfig(
            "served_model", url=url, model=name, revision=revision or "", server=server, seed=0
        )
        return place
    path = Path(model).expanduser()
    name = slug(path.name or model)
    if (path / MANIFEST).is_file():
        manifest = manifests.read(path)
        name, path = f"{manifest['stage']}_{manifest['fingerprint']}", path / "model"
    if name in stages:  # of another folder of that name
        name = slug(str(path))
    local = str(path) if path.exists() else model
    stages[name] = PretrainedConfig("pretrained", path=local, revision=revision, hub=hub, seed=0)
    return name


def _like(stages: Mapping[str, StageConfig], model: str) -> EvaluateConfig:
    """As the recipe evaluates this model, or any."""
    known = [config for config in stages.values() if isinstance(config, EvaluateConfig)]
    if not known:
        raise UsageError(
            "this recipe evaluates nothing, so there are no sampling settings to take; "
            "--paper takes the paper's"
        )
    return next((config for config in known if config.evaluates == model), known[0])


def _evaluation(
    like: EvaluateConfig,
    model: str,
    problems: str,
    stages: Mapping[str, StageConfig],
    options: argparse.Namespace,
) -> EvaluateConfig:
    """The evaluation of one model on one benchmark."""
    rollout = like.rollout
    if isinstance(stages[model], ServedModelConfig):
        shard = min(rollout.shard_samples, ROUNDS * rollout.server.concurrency)
        rollout = dataclasses.replace(rollout, engine="server", dtype="auto", shard_samples=shard)
    k = options.k or like.samples_per_problem
    config = dataclasses.replace(
        like,
        evaluates=model,
        data_from=[problems],
        rollout=rollout,
        samples_per_problem=k,
        samples_of=[],
        voted=None if options.k else like.voted,
        pass_at=pass_at(like, [k]) if options.k or not like.voted else like.pass_at,
        limit_problems=options.limit or like.limit_problems,
        template=_template(stages, model),
        budgets=[],
        waits=[],
    )
    if options.k or not like.samples_of_benchmark:
        return config
    return with_samples(config, [samples_of(stages_of(stages, REGISTRY)[problems])])


def _template(stages: Mapping[str, StageConfig], model: str) -> Prompt | None:
    """The text by which the recipe asks this model: that of one base is no other model's."""
    known = (config for config in stages.values() if isinstance(config, EvaluateConfig))
    return next((config.template for config in known if config.evaluates == model), None)


def _check_makes_problems(stages: Mapping[str, StageConfig], name: str, registry: Registry) -> None:
    made = registry[stages[name].kind].produces
    if made != "problems":
        there = there_is(makers(stages, registry, "problems"))
        raise UsageError(f"`{name}` makes {made}, expected problems. {there}")
