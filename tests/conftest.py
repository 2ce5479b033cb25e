"""Shared fixtures: a tiny model made once, published artifacts and a stage's context.

Heavy imports stay inside the fixtures, so that tests of the engine start without torch.
"""

from __future__ import annotations

import ast
import functools
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

#: Files and folders with minutes of work, longest first: `make test` begins with them.
LONG = ("recipe", "evaluation", "training")
#: Need torch, though no line of theirs says so: their commands or stages import it.
TORCH = (
    "benchmarks/test_bench_evaluation.py",
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
#: Need no torch, and take more than a few seconds.
SLOW: tuple[str, ...] = ()

LIBRARIES = {"torch", "transformers", "trl", "vllm", "datasets", "peft", "accelerate"}
NO_TORCH = HERE / "no_torch"  # modules of these names, which refuse to be imported


def _set_environment() -> None:
    """What `make test` exports, for a plain `pytest`; and no test may reach the hub."""
    lines = (ROOT / "defaults.env").read_text().splitlines()
    pairs = (line.split("=", 1) for line in lines if line and not line.startswith("#"))
    for name, value in pairs:
        os.environ.setdefault(name, value)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    # A pool of compiling threads would not survive the fork of an engine in a later test.
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")


_set_environment()  # before any test module imports a library that reads it


def pytest_addoption(parser: pytest.Parser) -> None:
    said = "quick tests that need no torch, where importing it fails (also in what they start)"
    parser.addoption("--light", action="store_true", help=said)


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--light"):
        sys.path.insert(0, str(NO_TORCH))
        inherited = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = os.pathsep.join([str(NO_TORCH), *filter(None, [inherited])])


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    light = config.getoption("--light") and collection_path.suffix == ".py"
    return (light and bool(_marks(collection_path))) or None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what needs torch and what is slow, leave it out if asked, and put long files first."""
    for item in items:
        made = {"torch"} if "tiny_model_dir" in getattr(item, "fixturenames", ()) else set()
        for name in made | _marks(item.path):
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


TEXTS = (
    "3 + 14 = 17, then 17 - 2 = 15. Wait, let me check that: 15 + 2 = 17. The answer is 15.",
    "问题：小明有三个苹果，又买了四个，一共有几个？先算 3 + 4 = 7。所以答案是七个。",
    "def add(a, b):\n    return a + b\nA says: B is a knave. So A is a knight, and B is a knave.",
)


@pytest.fixture(scope="session")
def tiny_model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Hugging Face directory of an untrained Qwen2 of 100,352 weights; do not write to it."""
    import torch

    from stages.kinds.pretrain.kind import ModelShape
    from stages.tiny.model import build_model
    from stages.tiny.tokenizer import build_tokenizer, save_tokenizer

    directory = tmp_path_factory.mktemp("tiny") / "model"
    shape = ModelShape("qwen2", 64, 128, num_layers=2, num_heads=4, num_kv_heads=2)
    tokenizer = build_tokenizer(TEXTS * 20, vocab_size=512)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build_model(shape, tokenizer)
    model.save_pretrained(directory)
    save_tokenizer(tokenizer, directory)
    return directory


@pytest.fixture
def make_artifact(tmp_path: Path) -> Callable[..., Any]:
    """`make_artifact(type, stage, rows=…, model_dir=…, facts=…, config=…)`: what is published."""

    def make(
        type_: str,
        stage: str = "stage",
        rows: Iterable[Mapping[str, Any]] = (),
        model_dir: Path | None = None,
        facts: Mapping[str, Any] | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> Any:
        from pipeline.store import Store

        output = tmp_path / "unpublished" / stage
        output.mkdir(parents=True)
        if type_ in ("model", "reward_model"):
            assert model_dir is not None, f"a {type_} needs model_dir"
            shutil.copytree(model_dir, output / "model")
        else:
            _write_rows(output, type_, rows)
        manifest = _manifest(type_, stage, facts or {}) | {"config": dict(config or {})}
        return Store(tmp_path / "store").publish(output, manifest)

    return make


def _manifest(type_: str, stage: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    from pipeline.identity import digest_of

    made_by = {"config": {"made_by": f"the tests, as {stage}"}, "inputs": [], "files": {}}
    identity = {"kind": type_, "version": 1, **made_by}
    return {
        "format": 1,
        "stage": stage,
        "kind": type_,
        "version": 1,
        "type": type_,
        "fingerprint": digest_of(identity),
        "created": "2026-01-01T00:00:00+00:00",
        "seconds": 0.0,
        "config": {},
        "identity": identity,
        "inputs": [],
        "facts": dict(facts),
        "funnel": {},
        "seed": 0,
        "versions": {},
        "host": {},
        "code": {"commit": None, "sources": ""},
        "attempts": [],
    }


def _write_rows(path: Path, type_: str, rows: Iterable[Mapping[str, Any]]) -> None:
    from stages.rows import schemas

    by_type = {
        "problems": schemas.PROBLEM,
        "samples": schemas.SAMPLE,
        "conversations": schemas.CONVERSATION,
        "preferences": schemas.PREFERENCE,
        "labels": schemas.LABEL,
    }
    schemas.write_rows(path / "rows.parquet", rows, by_type[type_])


@pytest.fixture
def make_context(tmp_path: Path) -> Callable[..., Any]:
    """`make_context(root)`: a stage's context with its folders under `root` (default: tmp_path).

    Called again with the same root it gives the same folders, as a resumed stage has them.
    """

    def make(root: Path | None = None, stage: str = "stage", seed: int = 0) -> Any:
        from pipeline.context import Context

        folder = root or tmp_path
        work, output = folder / "work", folder / "output"
        work.mkdir(parents=True, exist_ok=True)
        output.mkdir(exist_ok=True)
        return Context(
            stage, "f" * 16, work, output, seed=seed, threads=1, shared=folder / "shared"
        )

    return make
