"""`r1 run` with Hydra's own flags: sweeps, --cfg, --info, --help, by Hydra's own machinery."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipeline import addresses
from pipeline.compose import CONFIG_NAME, VERSION_BASE, register, resolve
from pipeline.compose_errors import translated
from pipeline.project import Project
from pipeline.run_command import execute

if TYPE_CHECKING:
    from omegaconf import DictConfig


STOPPED_BY_SIGNAL = 128


def run_with_hydra(project: Project, arguments: Sequence[str]) -> int:
    """Hand the arguments to `hydra.main`; the worst exit code of all jobs."""
    import hydra

    addresses.refuse_overrides(arguments)
    registry = project.kinds()
    register(registry)
    codes: list[int] = []

    def job(config: DictConfig) -> None:
        from hydra.core.hydra_config import HydraConfig

        settings = HydraConfig.get()
        overrides = list(settings.overrides.task)
        with translated(registry, overrides, _compose_again(project)):
            composed = resolve(config, registry, settings.runtime.choices, overrides)
        print(f"r1 run {' '.join(overrides)}")
        codes.append(execute(project, composed))
        if codes[-1] > STOPPED_BY_SIGNAL:  # Ctrl-C ends the sweep, not only this job
            raise SystemExit(codes[-1])

    decorated = hydra.main(str(project.conf_dir()), CONFIG_NAME, VERSION_BASE)(job)
    kept, os.environ["HYDRA_FULL_ERROR"] = os.environ.get("HYDRA_FULL_ERROR", "0"), "1"
    arguments_before, sys.argv = sys.argv, ["r1 run", *arguments]
    try:
        plain = [a for a in arguments if not a.startswith("-")]
        with translated(registry, plain, _compose_again(project)):
            decorated()
    finally:
        os.environ["HYDRA_FULL_ERROR"] = kept
        sys.argv = arguments_before
    return max(codes, default=0)


def _compose_again(project: Project) -> Any:
    """Composes other overrides, for the hints of an error message."""

    def composed(overrides: Sequence[str]) -> DictConfig:
        from hydra import compose, initialize_config_dir
        from hydra.core.global_hydra import GlobalHydra

        GlobalHydra.instance().clear()
        with initialize_config_dir(str(project.conf_dir()), version_base=VERSION_BASE):
            return compose(CONFIG_NAME, overrides=list(overrides), return_hydra_config=True)

    return composed
