"""The words of `r1 eval`: which are models, which are benchmarks, which are Hydra overrides.

A word with `=` before any colon is an override, unless it begins as a path does (/ ./ ../ ~/). Of
the others, in this order:

    NAME@URL                   a model: what a server at this URL calls so
    NAME:FILE                  a benchmark: an option of conf/data, its rows from a file
    a stage of the recipe      what it makes: a model or problems
    an option of conf/data     a benchmark
    a folder, or a/b           a model: an artifact, a Hugging Face checkpoint, a hub name

So a name means the same wherever it stands and whatever lies in the working directory: a folder
that is called like a benchmark is a model as ./gsm8k.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.graph import did_you_mean
from pipeline.kinds import Registry
from pipeline.project import Project
from stages.settings.stage import StageConfig

MODELS = ("model", "served_model")
SERVED = re.compile(r"(?P<model>.+?)@(?P<url>https?://.+)")
LONGEST_SLUG = 60  # characters; a stage's name is part of those of its folders and logs
HUB = re.compile(r"\w[\w.-]*/\w[\w.-]*")


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
        if self.file and not Path(self.file).expanduser().exists():
            raise UsageError(
                f"BENCHMARK {self.name}:{self.file}: there is no such file or folder "
                f"(looked from {Path.cwd()})"
            )

    @property
    def stage(self) -> str:
        return f"{self.name}_{slug(Path(self.file).stem)}" if self.file else self.name

    def overrides(self) -> list[str]:
        """What makes Hydra compose this benchmark as a stage of its own."""
        chosen = [f"+data@stages.{self.stage}={self.name}"]
        if self.file:
            quoted = self.file.replace("\\", "\\\\").replace("'", "\\'")
            chosen.append(f"stages.{self.stage}.path='{quoted}'")
        return chosen


def is_override(word: str) -> bool:
    """`key=value`; a benchmark has its colon before any equals sign, as in gsm8k:path=FILE, and a
    folder that is written as one, ./runs/d=1, is a model."""
    if word.startswith(("./", "../", "/", "~/")):
        return False
    return "=" in word and ":" not in word.partition("=")[0]


def sort_words(
    words: Iterable[str], stages: Mapping[str, StageConfig], project: Project
) -> tuple[list[str], list[Benchmark]]:
    """Which words are models and which are benchmarks; each is taken once."""
    registry = project.kinds()
    options = {path.stem for path in (project.conf_dir() / "data").glob("*.yaml")}
    models: dict[str, None] = {}
    benchmarks: dict[Benchmark, None] = {}
    for word in words:
        if _is_model(word, stages, options, registry):
            models[word] = None
        else:
            benchmarks[Benchmark.read(word)] = None
    if not models:
        raise UsageError(
            "name at least one MODEL before the benchmarks: a stage of the recipe, a folder or a "
            f"hub name. {there_is(makers(stages, registry, 'model'))}"
        )
    if not benchmarks:
        made = makers(stages, registry, "problems")
        raise UsageError(
            "name at least one BENCHMARK, e.g. heldout or gsm8k:test.jsonl. "
            f"{there_is([*made, *options])}"
        )
    return list(models), list(benchmarks)


def _is_model(
    word: str, stages: Mapping[str, StageConfig], options: set[str], registry: Registry
) -> bool:
    if SERVED.fullmatch(word):
        return True
    if ":" in word and "://" not in word:
        return False
    if word in stages:
        made = registry[stages[word].kind].produces
        if made in (*MODELS, "problems"):
            return made in MODELS
        raise UsageError(f"`{word}` makes {made}, expected a model or problems.")
    if word in options:
        return False
    if Path(word).expanduser().is_dir() or HUB.fullmatch(word):
        return True
    if Path(word).expanduser().is_file():
        raise UsageError(
            f"{word}: is a file. Say how it is read, e.g. gsm8k:{word}, or problems:{word} for "
            "your own columns"
        )
    if "/" in word:
        raise UsageError(f"MODEL {word}: there is no such folder (looked from {Path.cwd()})")
    names = makers(stages, registry, "model") + makers(stages, registry, "problems")
    raise UsageError(
        f"{word}: neither a MODEL (a stage of the recipe, a folder, or a hub name such as "
        f"Qwen/Qwen2.5-0.5B, or NAME@URL of a server) nor a BENCHMARK. "
        f"{did_you_mean(word, {*names, *options})}"
    )


def makers(stages: Mapping[str, StageConfig], registry: Registry, type_: str) -> list[str]:
    return [name for name, config in stages.items() if registry[config.kind].produces == type_]


def there_is(names: Iterable[str]) -> str:
    return f"There is: {', '.join(sorted(set(names)))}."


def slug(text: str) -> str:
    """A name for a stage: letters, digits and underscores that Hydra and every disk take.

    Where more than marks would be lost, a digest keeps different names apart.
    """
    whole = re.sub(r"\W+", "_", text).strip("_") or "model"
    name = re.sub(r"\W+", "_", whole, flags=re.ASCII).strip("_")[:LONGEST_SLUG]
    if name == whole:
        return name
    return f"{name}_{hashlib.sha256(text.encode()).hexdigest()[:8]}".strip("_")
