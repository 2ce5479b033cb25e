"""`r1 eval MODEL BENCHMARK…`: judge any checkpoint on any benchmark, by the recipe's own stages.

    r1 eval r1 heldout                                   a stage of the recipe on its own problems
    r1 eval r1 gsm8k math500 mgsm_zh -k 4 --limit 200    real sets, from the Hugging Face hub
    r1 eval r1 gsm8k:test.jsonl mgsm_zh:mgsm_zh.tsv      the same from local files
    r1 eval Qwen/Qwen2.5-0.5B problems:mine.jsonl        another model, your own problems

MODEL is a stage of the recipe, the folder of an artifact or of a Hugging Face checkpoint, or a hub
name. BENCHMARK is a stage of the recipe that makes problems, or an option of `conf/data`, with a
file after a colon where its rows shall come from. Both become stages beside the recipe's and run
like any other, so a result that is there is not made again. How answers are sampled is taken from
the stage of the recipe that evaluates this model, or else from its first evaluation.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import re
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.artifact import MANIFEST
from pipeline.cli import R1
from pipeline.compose import Composed, compose
from pipeline.errors import UsageError
from pipeline.graph import did_you_mean
from pipeline.kinds import Registry
from pipeline.project import Project
from pipeline.run_command import execute
from pipeline.situation import survey
from stages.configs import EvaluateConfig, PretrainedConfig, StageConfig

PROJECT = dataclasses.replace(R1, preload="stages.eval_command:PRELOAD", observer=None, report=None)
PRELOAD = (
    "torch",
    "transformers",
    "transformers.models.qwen2.modeling_qwen2",
    "transformers.models.llama.modeling_llama",
)
COLUMNS = {
    "pass_at_1": "pass@1",
    "cons_at_k": "cons@k",
    "format": "format",
    "language_consistency": "language",
    "truncation": "truncated",
    "cannot_judge": "not judged",
}


@dataclass(frozen=True)
class Benchmark:
    """What was asked for as NAME or NAME:FILE, and the stage that will hold its problems."""

    name: str
    file: str | None = None

    @classmethod
    def read(cls, text: str) -> Benchmark:
        name, _, file = text.partition(":")
        return cls(name, file.removeprefix("path=") or None)

    def check_file(self) -> None:
        if self.file and not Path(self.file).expanduser().is_file():
            raise UsageError(
                f"BENCHMARK {self.name}:{self.file}: there is no such file "
                f"(looked from {Path.cwd()})"
            )

    @property
    def stage(self) -> str:
        return f"{self.name}_{_slug(Path(self.file).stem)}" if self.file else self.name

    def overrides(self) -> list[str]:
        """What makes Hydra compose this benchmark as a stage of its own."""
        chosen = [f"+data@stages.{self.stage}={self.name}"]
        if self.file:
            quoted = self.file.replace("\\", "\\\\").replace("'", "\\'")
            chosen.append(f"stages.{self.stage}.path='{quoted}'")
        return chosen


def main(argv: Sequence[str]) -> int:
    """Run what is not there yet, then print a table or JSON. Returns the exit code."""
    options = _parse(argv)
    benchmarks = [Benchmark.read(text) for text in options.benchmarks]
    for benchmark in benchmarks:
        benchmark.check_file()
    composed = compose(PROJECT, options.overrides)
    asked = [b for b in benchmarks if b.file or b.name not in composed.stages]
    added = [override for benchmark in asked for override in benchmark.overrides()]
    if added:
        composed = compose(PROJECT, [*options.overrides, *added])
    composed, evaluations = _with_evaluations(composed, benchmarks, options)
    with contextlib.redirect_stdout(sys.stderr):
        code = execute(PROJECT, composed)
    if code:
        print(f"to retry: {shlex.join(['r1', 'eval', *argv])}", file=sys.stderr)
        return code
    results = _results(PROJECT, composed, evaluations)
    folder = Path(composed.root["paths"]["runs"]).parent
    _keep(folder, options.model, results)
    print(json.dumps(results, indent=1) if options.json else "\n".join(_table(results)))
    return 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="r1 eval",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("words", metavar="BENCHMARK", nargs="+", help="or a Hydra override")
    parser.add_argument("-k", type=_positive, help="samples per problem")
    parser.add_argument("--limit", type=_positive, help="problems per benchmark, at most")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_intermixed_args(list(argv))
    options.overrides = [word for word in options.words if _is_override(word)]
    options.benchmarks = [word for word in options.words if not _is_override(word)]
    if not options.benchmarks:
        parser.error("name at least one BENCHMARK, e.g. heldout or gsm8k:test.jsonl")
    return options


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _is_override(word: str) -> bool:
    """`key=value`; a benchmark has its colon before any equals sign, as in gsm8k:path=FILE."""
    return "=" in word and ":" not in word.partition("=")[0]


def _with_evaluations(
    composed: Composed, benchmarks: Sequence[Benchmark], options: argparse.Namespace
) -> tuple[Composed, dict[str, str]]:
    """The recipe with the stages that were asked for, and benchmark → its evaluation stage."""
    registry = PROJECT.kinds()
    stages = dict(composed.stages)
    model = _model_stage(options.model, stages, registry)
    evaluations = {}
    for benchmark in benchmarks:
        _check_makes(stages, benchmark.stage, "problems", registry)
        name = f"{model}_on_{benchmark.stage}"
        stages[name] = _evaluation(composed.stages, model, benchmark.stage, options)
        evaluations[benchmark.stage] = name
    new = {
        name: dataclasses.asdict(stages[name]) for name in stages.keys() - composed.stages.keys()
    }
    problems = [benchmark.stage for benchmark in benchmarks]
    outside = [model] if model not in composed.stages else []
    root = composed.root | {
        "stages": composed.root["stages"] | new,
        "until": None,
        "only": [*outside, *problems, *evaluations.values()],
        "paths": composed.root["paths"] | {"runs": f"{composed.root['paths']['root']}/eval/runs"},
    }
    choices = {"recipe": "-".join([_slug(model), *problems])}
    return Composed(root, stages, choices, options.overrides), evaluations


def _model_stage(model: str, stages: dict[str, StageConfig], registry: Registry) -> str:
    """The stage that is the model; a checkpoint from elsewhere becomes a stage of its own."""
    if model in stages:
        _check_makes(stages, model, "model", registry)
        return model
    path = Path(model).expanduser()
    name = _slug(path.name or model)
    if (path / MANIFEST).is_file():
        manifest = json.loads((path / MANIFEST).read_text())
        name, path = f"{manifest['stage']}_{manifest['fingerprint']}", path / "model"
    elif not path.exists() and "/" not in model:
        makers = [s for s, c in stages.items() if registry[c.kind].produces == "model"]
        raise UsageError(
            f"MODEL {model}: neither a stage of the recipe nor a folder. "
            f"{did_you_mean(model, makers)}"
        )
    local = str(path) if path.exists() else model
    stages[name] = PretrainedConfig("pretrained", path=local, seed=0)
    return name


def _check_makes(
    stages: Mapping[str, StageConfig], name: str, type_: str, registry: Registry
) -> None:
    made = registry[stages[name].kind].produces
    if made != type_:
        fitting = [s for s, config in stages.items() if registry[config.kind].produces == type_]
        raise UsageError(
            f"`{name}` makes {made}, expected {type_}. There is: {', '.join(sorted(fitting))}."
        )


def _evaluation(
    stages: Mapping[str, StageConfig], model: str, problems: str, options: argparse.Namespace
) -> EvaluateConfig:
    """How the recipe evaluates this model, or its first one, on other problems."""
    known = [config for config in stages.values() if isinstance(config, EvaluateConfig)]
    if not known:
        raise UsageError("this recipe evaluates nothing, so there are no sampling settings to take")
    like = next((config for config in known if config.evaluates == model), known[0])
    k = options.k or like.samples_per_problem
    return dataclasses.replace(
        like,
        evaluates=model,
        data_from=[problems],
        samples_per_problem=k,
        pass_at=sorted({1, k}),
        limit_problems=options.limit or like.limit_problems,
        budgets=[],
    )


def _results(
    project: Project, composed: Composed, evaluations: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """The facts of each benchmark's evaluation, with where its samples lie."""
    facts = survey(project, composed).facts
    results = {}
    for benchmark, stage in evaluations.items():
        artifact = facts[stage].artifact
        assert artifact is not None  # `execute` returned 0
        results[benchmark] = {**artifact.facts, "artifact": str(artifact.path)}
    return results


def _keep(folder: Path, model: str, results: Mapping[str, Any]) -> None:
    """`<root>/eval/<model>/<benchmark>.json`, the latest result of each."""
    place = folder / _slug(model)
    place.mkdir(parents=True, exist_ok=True)
    for benchmark, facts in results.items():
        text = json.dumps(facts, indent=1, ensure_ascii=False)
        (place / f"{benchmark}.json").write_text(text + "\n")


def _table(results: Mapping[str, Mapping[str, Any]]) -> Iterable[str]:
    """One line per benchmark; a score of about nothing is shown as it is."""
    heads = [*COLUMNS.values(), "problems", "too long", "k"]
    width = max(len("benchmark"), *map(len, results))
    yield f"{'benchmark':{width}}  {heads[0]:>20}" + "".join(f"  {h:>10}" for h in heads[1:])
    for name, facts in results.items():
        cells = [_cell(facts["overall"].get(metric)) for metric in COLUMNS]
        first = facts["overall"].get("pass_at_1")
        interval = f" [{first['low']:.3f}, {first['high']:.3f}]" if first else ""
        counts = [facts["problems"], facts["prompts_too_long"], facts["samples_per_problem"]]
        rest = [*cells[1:], *map(str, counts)]
        yield f"{name:{width}}  {cells[0] + interval:>20}" + "".join(f"  {c:>10}" for c in rest)


def _cell(estimate: Mapping[str, float] | None) -> str:
    return "-" if estimate is None else f"{estimate['value']:.3f}"


def _slug(text: str) -> str:
    """A name for a stage: letters, digits and underscores."""
    return re.sub(r"\W+", "_", text).strip("_") or "model"
