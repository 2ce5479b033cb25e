"""What a stranger meets first: locks, make targets, configs."""

from __future__ import annotations

import itertools
import os
import pkgutil
import re
import shutil
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker

from pipeline.compose import compose
from pipeline.graph import Graph, build, select
from stages.project import R1

ROOT = Path(__file__).resolve().parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
PARTS = ("gym.lock", "ray.lock")  # which add to one of the others
WHOLE = [lock for lock in LOCKS if lock.name not in PARTS]
PIN = re.compile(r"^([a-z0-9-]+)==(\S+?)(?: ; (.+?))? \\$", re.MULTILINE)


def pins(lock: Path) -> set[tuple[str, str, str]]:
    """(package, version, marker) of every line of a lock."""
    return set(PIN.findall(lock.read_text()))


def graph_of(*overrides: str) -> Graph:
    return build(compose(R1, overrides).stages, R1.kinds())


def names(group: str) -> list[str]:
    files = (ROOT / "conf" / group).glob("*.yaml")
    return sorted(file.stem for file in files if not file.stem.startswith("_"))


def test_the_command_that_is_installed_is_this_projects(capsys: pytest.CaptureFixture[str]) -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts.keys() == {"r1"}
    assert pkgutil.resolve_name(scripts["r1"])(["bogus"]) == 2
    assert "eval" in capsys.readouterr().err


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_package_of_a_lock_is_pinned_with_a_hash(lock: Path) -> None:
    text = lock.read_text()
    packages = [line for line in text.splitlines() if line[:1] not in (" ", "#", "")]
    assert len(packages) > (100 if lock in WHOLE else 0)
    assert len(PIN.findall(text)) == len(packages)
    for entry in re.split(r"\n(?=\S)", text.strip()):
        assert entry.startswith("#") or "--hash=sha256:" in entry


@pytest.mark.parametrize("lock", ["cpu.lock", "vllm-cpu.lock"])
def test_a_cpu_lock_names_no_cuda_package(lock: str) -> None:
    found = {name for name, _, _ in pins(ROOT / "requirements" / lock)}
    assert not [n for n in found if n.startswith(("nvidia-", "cuda-")) or n in ("torch", "vllm")]
    assert not found & {"torchvision", "torchaudio", "torchcodec"}


@pytest.mark.parametrize("lock", WHOLE, ids=lambda path: path.name)
def test_a_lock_holds_the_direct_dependencies_at_their_version(lock: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked: dict[str, set[str]] = {}
    for name, version, _ in pins(lock):
        locked.setdefault(name, set()).add(version)
    for asked in (*project["dependencies"], *project["optional-dependencies"]["dev"]):
        name, _, version = re.sub(r"\[.*\]", "", asked.lower()).partition("==")  # without extras
        if name == "torch" and "cpu" in lock.name:
            continue  # installed before the lock, from wherever its CPU build is
        assert name in locked, f"{lock.name} lacks {name}: run `make lock`"
        assert not version or locked[name] == {version}, f"{lock.name}: run `make lock`"


@pytest.mark.parametrize(("extra", "package"), [("gym", "reasoning-gym"), ("ray", "ray")])
@pytest.mark.parametrize("lock", WHOLE, ids=lambda path: path.name)
def test_adding_an_extra_moves_no_version(lock: Path, extra: str, package: str) -> None:
    added = {name: version for name, version, _ in pins(ROOT / "requirements" / f"{extra}.lock")}
    assert package in added
    there = {name: version for name, version, _ in pins(lock) if name in added}
    assert there == {name: added[name] for name in there}


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_adding_vllm_moves_no_version(device: str, machine: str) -> None:
    def versions(lock: str) -> dict[str, str]:
        environment = {"sys_platform": "linux", "platform_machine": machine}
        return {
            name: version
            for name, version, marker in pins(ROOT / "requirements" / lock)
            if not marker or Marker(marker).evaluate(environment)
        }

    plain, more = versions(f"{device}.lock"), versions(f"vllm-{device}.lock")
    assert {name: more.get(name) for name in plain} == plain


@pytest.mark.parametrize(
    ("recipe", "profile"), list(itertools.product(names("recipe"), names("profile")))
)
def test_every_recipe_composes_with_every_profile(recipe: str, profile: str) -> None:
    rows = ["stages.rows.path=mine.jsonl"] if recipe == "students" else []  # the user's own
    assert graph_of(f"recipe={recipe}", f"profile={profile}", *rows).stages


@pytest.mark.parametrize("group", ["rollout", "launcher", "tracking"])
def test_every_option_of_a_group_composes(group: str) -> None:
    for option in names(group):
        assert graph_of("recipe=r1_zero", f"{group}={option}").stages


def of_problems(name: str) -> bool:
    """Whether a file of conf/data is of problems that are read, by itself or by what it extends."""
    kinds = re.findall(r"/kind/(\w+)@", (ROOT / "conf" / "data" / f"{name}.yaml").read_text())
    return set(kinds) <= {"dataset"}


@pytest.mark.parametrize("dataset", [name for name in names("data") if of_problems(name)])
def test_every_data_set_serves_as_training_prompts_and_as_benchmark(dataset: str) -> None:
    stages = ("reasoning_prompts", "heldout")
    chosen = [f"data@stages.{stage}={dataset}" for stage in stages]
    paths = [f"stages.{stage}.path=rows.jsonl" for stage in stages]
    graph = graph_of("recipe=r1_zero", *chosen, *paths)
    assert {graph.stages[stage].kind.name for stage in stages} == {"dataset"}


def test_long_chains_of_thought_serve_as_the_human_work_of_the_cold_start() -> None:
    graph = graph_of("data@stages.human_cot=long_cot", "stages.human_cot.path=rows.jsonl")
    assert graph.stages["human_cot"].kind.name == "conversations"


def make(*arguments: str) -> str:
    """What make prints; what an outer `make test` was given does not reach it."""
    kept = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "ARGS")}
    done = subprocess.run(
        ["make", *arguments], cwd=ROOT, env=kept, capture_output=True, text=True, check=True
    )
    return done.stdout


needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@needs_make
def test_every_make_target_names_stages_of_the_recipe() -> None:
    graph = graph_of()
    targets = re.findall(r"^([a-z-]+): \$\(SETUP\)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    asked = re.findall(r"until=(\[[^]]*\]|\w+)", make("-n", *targets))
    assert len(asked) >= 10
    for until in asked:
        assert select(graph, until=yaml.safe_load(until)).stages


@needs_make
def test_make_passes_profile_model_and_arguments_through() -> None:
    command = make("-n", "zero", "PROFILE=one_gpu", "MODEL=/my models/base", "ARGS=seed=3")
    assert "profile=one_gpu" in command
    assert "model@stages.base=hub 'stages.base.path=/my models/base'" in command
    assert "seed=3" in command
    assert "until=zero" in command


@needs_make
def test_make_asks_for_as_many_seeds_as_it_is_told() -> None:
    assert "'seeds=[0,1,2]'" in make("-n", "zero", "SEEDS=3")
    assert "seeds=" not in make("-n", "zero")


def test_a_model_of_ones_own_takes_the_place_of_the_base() -> None:
    graph = graph_of("model@stages.base=hub", "stages.base.path=/models/base")
    assert graph.stages["base"].kind.name == "pretrained"
    assert {edge.stage for edge in graph.stages["dev3"].edges} >= {"base"}


@needs_make
def test_make_alone_lists_the_targets() -> None:
    listed = make()
    assert "make reproduce" in listed
    assert "make test" in listed


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The Makefile with what it reads, and nothing installed."""
    for name in ("Makefile", "defaults.env", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    return tmp_path


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def make_in(folder: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """The exit code of make in another folder, and all that it says."""
    outside = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "PORT")}
    done = subprocess.run(
        ["make", "-o", ".venv/.installed-cpu", "DEVICE=cpu", *arguments],
        cwd=folder,
        env=outside | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@needs_make
def test_an_old_python_is_refused_in_a_word_and_leaves_no_environment(clone: Path) -> None:
    old = program(clone / "python3.9", '[ "$1" = -V ] && echo Python 3.9.18; exit 1')
    code, said = make_in(clone, ".venv/bin/python", f"PYTHON={old}")
    assert code
    assert f"{old} is Python 3.9.18, and Python 3.11 or newer is needed" in said
    assert not (clone / ".venv").exists()


def test_an_environment_of_an_old_python_is_named(clone: Path) -> None:
    old = program(clone / ".venv" / "bin" / "python", "exit 1")
    done = subprocess.run(
        ["requirements/install.sh", old, "cpu"], cwd=clone, capture_output=True, text=True
    )
    assert done.returncode
    assert "is not Python 3.11 or newer. Remove it (make clean)" in done.stderr


@needs_make
def test_the_pages_of_mlflow_are_of_any_folder_and_port_and_say_when_a_port_is_taken(
    clone: Path,
) -> None:
    program(clone / ".venv" / "bin" / "python", f'exec "{sys.executable}" "$@"')
    program(clone / ".venv" / "bin" / "mlflow", """printf '<%s> ' "$@" """)
    (clone / "my outputs").mkdir()
    code, said = make_in(clone, "ui", R1_ROOT="my outputs")
    assert code
    assert "There are no runs to show: my outputs/mlflow.db is not there" in said
    (clone / "my outputs" / "mlflow.db").touch()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = make_in(clone, "ui", f"PORT={port}", R1_ROOT="my outputs")
    assert code
    assert f"Port {port} cannot be used" in said
    code, said = make_in(clone, "ui", f"PORT={port}", R1_ROOT="my outputs")
    assert not code, said
    assert f"<--port> <{port}>" in said
    assert f"<sqlite:///{clone}/my outputs/mlflow.db>" in said


@pytest.mark.parametrize("script", [".ci/run", "requirements/install.sh", "requirements/lock.sh"])
def test_scripts_are_executable_and_parse(script: str) -> None:
    path = ROOT / script
    assert path.stat().st_mode & 0o111
    shell = "bash" if "bash" in path.read_text().splitlines()[0] else "sh"
    subprocess.run([shell, "-n", str(path)], check=True)
