"""Shared fixtures: a tiny model made once, published artifacts and a stage's context.

Heavy imports stay inside the fixtures, so that tests of the engine start without torch.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.selection import (  # noqa: F401  # hooks of pytest
    pytest_addoption,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_ignore_collect,
)

ROOT = Path(__file__).resolve().parent.parent


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


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """A Slurm of two nodes on this machine (tests/pipeline/slurm_cluster.py)."""
    from tests.pipeline.slurm_cluster import Cluster, absent

    if lacks := absent():
        pytest.skip(f"no Slurm here: {', '.join(lacks)} not installed (requirements/slurm.sh)")
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))  # sockets want short paths
    made = Cluster(folder)
    try:
        made.up()
        yield made
    finally:
        made.down()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test's folder as the working one, with results in its `outputs`.

    A composition is found again by its words and R1_ROOT (pipeline/compositions.py): where neither
    names the folder, one that another test has made is taken, which saves seconds.
    """
    monkeypatch.delenv("R1_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


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


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "r1-test", str(disk)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)
