"""Which tests are light, and which go first. A test that needs a clock of its own is slow."""

from __future__ import annotations

import ast
import functools
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent

#: Files and folders with minutes of work, longest first: `make test` begins with them.
LONG = (
    "training/test_rl_resume.py",
    "recipe/test_open_recipe.py",
    "recipe/test_killed.py",
    "recipe",
    "evaluation/test_eval_command.py",
    "training/test_two_processes.py",
    "evaluation",
    "training",
    "rollout",
)
#: Need torch, though no line of theirs says so: their commands or stages import it.
TORCH = (
    "benchmarks/test_bench_evaluation.py",
    "benchmarks/test_gpu_check.py",
    "data_stages/test_dataset.py",
    "data_stages/test_difficulty.py",
    "data_stages/test_filters.py",
    "data_stages/test_preferences.py",
    "data_stages/test_selection.py",
    "data_stages/test_tiny_rows.py",
    "evaluation",
    "recipe/test_killed.py",
    "rollout",
    "tiny",
    "training",
)
#: Take more than a few seconds, most of them without torch.
SLOW = (
    "benchmarks/test_bench_data.py",
    "benchmarks/test_bench_verifiers.py",
    "benchmarks/test_drill.py",
    "benchmarks/test_grpo_task.py",
    "data_stages/hygiene/test_against_plain.py",
    "data_stages/test_code_rows.py",
    "data_stages/test_generative_rows.py",
    "data_stages/test_open_sources.py",
    "data_stages/test_open_texts.py",
    "data_stages/test_reasoning_gym_rows.py",
    "data_stages/test_review.py",
    "engines",
    "hub",
    "pipeline/test_compose.py",
    "pipeline/test_compositions.py",
    "pipeline/test_doctor_cluster.py",
    "pipeline/test_fork_server.py",
    "pipeline/test_gang.py",
    "pipeline/test_light_stages.py",
    "pipeline/test_node.py",
    "pipeline/test_slurm.py",
    "pipeline/test_two_machines.py",
    "pipeline/test_watchdog.py",
    "recipe",
    "report/test_figures.py",
    "report/test_report.py",
    "test_doctor.py",
    "test_setup.py",
    "tracking",
    "verifiers/test_blind_rows.py",
    "verifiers/test_code.py",
    "verifiers/test_code_cpp.py",
    "verifiers/test_code_hacks.py",
    "verifiers/test_code_unearned.py",
    "verifiers/test_jails_end.py",
    "verifiers/test_linear_time.py",
    "verifiers/test_lost_workers.py",
    "verifiers/test_reasoning_gym.py",
    "verifiers/test_sandbox.py",
)

#: What a test is by what it takes: a model; a folder in which commands run; a database; a server.
TAKES = {
    "tiny_model_dir": "torch",
    "toy": "slow",
    "finished_once": "slow",
    "database": "slow",
    "s3": "slow",
}

LIBRARIES = {"torch", "transformers", "trl", "vllm", "datasets", "peft", "accelerate"}
NO_TORCH = HERE / "no_torch"  # modules of these names, which refuse to be imported


def pytest_addoption(parser: pytest.Parser) -> None:
    said = "quick tests that need no torch, where importing it fails (also in what they start)"
    parser.addoption("--light", action="store_true", help=said)


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--light"):
        sys.path.insert(0, str(NO_TORCH))
        inherited = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = os.pathsep.join([str(NO_TORCH), *filter(None, [inherited])])


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Whole files and folders: a light run does not even import them."""
    if not config.getoption("--light") or HERE not in collection_path.parents:
        return None
    if collection_path.is_dir():
        return _listed(collection_path, TORCH + SLOW) < len(TORCH + SLOW) or None
    return (collection_path.suffix == ".py" and bool(_marks(collection_path))) or None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what needs torch and what is slow, leave it out if asked, and put long files first."""
    for item in items:
        taken = TAKES.keys() & set(getattr(item, "fixturenames", ()))
        clock = {"slow"} if item.get_closest_marker("timeout") else set()
        for name in {TAKES[fixture] for fixture in taken} | _marks(item.path) | clock:
            item.add_marker(name)
    if config.getoption("--light"):
        heavy = [i for i in items if i.get_closest_marker("torch") or i.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=heavy)
        items[:] = [item for item in items if item not in set(heavy)]
    items.sort(key=lambda item: _listed(item.path, LONG))


def _listed(path: Path, places: Sequence[str]) -> int:
    """Which of the places, files or folders of tests/, a file is or lies in; else their number."""
    here = path.relative_to(HERE)
    found = (n for n, place in enumerate(places) if here.is_relative_to(place))
    return next(found, len(places))


@functools.cache
def _marks(path: Path) -> set[str]:
    """The markers of all tests of a file."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    named = {alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names}
    named |= {n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)}
    if {name.partition(".")[0] for name in named} & LIBRARIES or _listed(path, TORCH) < len(TORCH):
        return {"torch"}
    return {"slow"} if _listed(path, SLOW) < len(SLOW) else set()
