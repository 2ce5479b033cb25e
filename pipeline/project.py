"""Which project the engine runs: its kinds of stage, its configuration, its heavy imports.

The engine imports no stage. `Project` holds dotted names, and each process loads what it needs:
the plan the registry, the runner the list of modules to preload, a stage its entry function.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.artifact import Artifact
from pipeline.errors import RecipeError
from pipeline.hooks import Results
from pipeline.kinds import Registry, Stage


@dataclass(frozen=True)
class Project:
    """A package of stages with its configuration.

    about: what it is, in a sentence for `--help`.
    registry, preload: "package.module:ATTRIBUTE"; preload names modules that every stage process
    shall find imported. conf: a package or a folder of Hydra configs. observer: called with the
    config, returns a hooks.Observer. report: called as `build(artifacts, config, out, runs)`.
    comparison: called as `build(old, new, config)` with two run_folder.RunFolder, for `report A B`:
    writes what differs and returns its path, with the same as JSON beside it (suffix .json).
    commands: further verbs, verb → "package.module:main", called as `main(arguments) -> exit code`.
    closing: called as `closing(artifacts, config) -> str`: what to do with what a run made, as text
    that is Markdown, too; the report has it as `run["closing"]`.
    foreseen: called as `foreseen(stages, composed) -> Mapping`: what each stage was to take before
    it ran; the report has it as `run["foreseen"]`.
    results: a hooks.Results: what status, sweeps and tracking show of this project's results.
    examples: a text that `r1 run --help` shows: lines of commands, and what they do.
    plans: what else `r1 plan` shows, by its flag: `--departures`, `--data`. Each is called as
    `shown(project, composed, form) -> exit code` with the form `json`, `markdown` or `text`.
    cautions: called as `cautions(situation, pending) -> texts` when a run begins, and by plan and
    doctor: what may stop it on its machine, said and not refused.
    look: called as `look(project, composed, as_json) -> exit code`: `r1 doctor --data`, whether
    what stages read from elsewhere is there and is what it was.
    reach: a module of which `r1 doctor --cluster` starts `python -m` on each node, as a rank of a
    gang (RANK, MASTER_ADDR, …): it prints lines of JSON, of collectives by backend in GB/s.
    checks: what `r1 doctor` also shows, name → "package.module:describe", called as `describe()`.
    """

    about: str
    registry: str
    conf: str
    preload: str | None = None
    observer: str | None = None
    report: str | None = None
    comparison: str | None = None
    closing: str | None = None
    foreseen: str | None = None
    results: str | None = None
    examples: str | None = None
    plans: Mapping[str, str] = field(default_factory=dict)
    cautions: str | None = None
    look: str | None = None
    reach: str | None = None
    commands: Mapping[str, str] = field(default_factory=dict)
    checks: Mapping[str, str] = field(default_factory=dict)

    def kinds(self) -> Registry:
        registry: Registry = load(self.registry)
        return registry

    def preloaded(self) -> list[str]:
        """Modules that every stage process finds imported: the engine's, the kinds', the heavy."""
        return ["pipeline.launchers.child", self.registry.partition(":")[0], *self.heavy()]

    def heavy(self) -> list[str]:
        """The modules among them that take long, the slowest first."""
        return list(load(self.preload)) if self.preload else []

    def said(self) -> Results:
        """What the project has to say of its results."""
        return results_of(self.results)

    def last_words(self, artifacts: Mapping[str, Artifact], config: Mapping[str, Any]) -> str:
        """What to do with these results; empty where the project or the results give no cause."""
        return str(load(self.closing)(artifacts, config)) if self.closing else ""

    def told_before(self, stages: Mapping[str, Stage], composed: Any) -> Mapping[str, Any]:
        """What the stages were to take; empty where the project does not say."""
        found: Mapping[str, Any] = load(self.foreseen)(stages, composed) if self.foreseen else {}
        return found

    def conf_dir(self) -> Path:
        """The folder of Hydra configs, found as package data when it is not a path."""
        if Path(self.conf).is_absolute():
            return Path(self.conf)
        spec = importlib.util.find_spec(self.conf)
        locations = list(spec.submodule_search_locations or ()) if spec else []
        if not locations:
            raise RecipeError(f"the package `{self.conf}` with the configuration is not installed")
        return Path(locations[0]).resolve()


def results_of(name: str | None) -> Results:
    """The Results behind a dotted name; those of a project without any."""
    found: Results = load(name) if name else Results()
    return found


def load(name: str) -> Any:
    """The object behind "package.module:attribute"."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)
