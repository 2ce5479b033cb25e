"""`r1 run` with Hydra's own flags: sweeps, --cfg, --info, --help, by Hydra's own machinery."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipeline import addresses
from pipeline.compose import CONFIG_NAME, VERSION_BASE, composer, loading, resolve
from pipeline.compose_errors import translated
from pipeline.overrides import quoted
from pipeline.project import Project
from pipeline.run_command import execute
from pipeline.sweep import STOPPED_BY_SIGNAL, SweptRun, lines, rows

if TYPE_CHECKING:
    from omegaconf import DictConfig


def run_with_hydra(project: Project, arguments: Sequence[str]) -> int:
    """Hand the arguments to `hydra.main`; the worst exit code of all jobs.

    A sweep ends with a table of its runs. With `--json` that is all that the standard output has.
    """
    sweeps = bool({"-m", "--multirun"} & set(arguments))
    as_json = sweeps and "--json" in arguments
    given = [argument for argument in arguments if not (as_json and argument == "--json")]
    runs: list[SweptRun] = []
    try:
        with contextlib.redirect_stdout(sys.stderr if as_json else sys.stdout):
            _run_all(project, given, runs)
    finally:
        if runs and sweeps:
            _print_sweep(project, rows(project, runs), as_json)
    return max((run.code for run in runs), default=0)


def _print_sweep(project: Project, found: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print(json.dumps({"runs": found}, indent=1, ensure_ascii=False))
    else:
        print("\n" + "\n".join(lines(found, project.said())))


def _run_all(project: Project, arguments: Sequence[str], runs: list[SweptRun]) -> None:
    """Every job that Hydra makes of the arguments; they are listed in `runs` as they end."""
    import hydra

    addresses.refuse_overrides(arguments)
    registry = project.kinds()

    def job(config: DictConfig) -> None:
        from hydra.core.hydra_config import HydraConfig

        settings = HydraConfig.get()
        overrides = list(settings.overrides.task)
        with translated(registry, overrides, composer(project)):
            composed = resolve(config, registry, settings.runtime.choices, overrides)
        print(f"r1 run {' '.join(overrides)}")
        runs.append(SweptRun(composed, execute(project, composed)))
        if runs[-1].code > STOPPED_BY_SIGNAL:  # Ctrl-C ends the sweep, not only this job
            raise SystemExit(runs[-1].code)

    decorated = hydra.main(str(project.conf_dir()), CONFIG_NAME, VERSION_BASE)(job)
    kept, os.environ["HYDRA_FULL_ERROR"] = os.environ.get("HYDRA_FULL_ERROR", "0"), "1"
    arguments = quoted(arguments)
    arguments_before, sys.argv = sys.argv, ["r1 run", *arguments]
    try:
        plain = [a for a in arguments if not a.startswith("-")]
        with translated(registry, plain, composer(project)), loading(registry):
            decorated()
    finally:
        os.environ["HYDRA_FULL_ERROR"] = kept
        sys.argv = arguments_before
