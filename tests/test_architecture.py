"""Imports run one way, so that the engine stays free of models and the plan stays quick."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Container, Iterator
from pathlib import Path

import pytest

from stages.registry import REGISTRY

ROOT = Path(__file__).resolve().parent.parent
#: The commands, which compose, run and read whole recipes.
COMMANDS = (*sorted((ROOT / "stages" / "commands").rglob("*.py")), ROOT / "stages" / "project.py")
RECIPE = re.compile(
    "|".join(
        [
            *(rf"\b{edge}\b" for edge in REGISTRY.edges),
            r"reasoning|languages?\b|helpful|safety|reward|accurac|claims?\b|verdict|flops",
            r"pass_at|pass@|cons_at|mixed_language|repetition|checking_words|problems\.parquet|\bpaper",
            r"\b(dev[123]|zero_weak|student|teacher|cold_start|r1_zero)\b",
        ]
    )
)
HEAVY = {"torch", "transformers", "trl", "vllm", "datasets", "peft", "accelerate"}


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports at run time, inside functions too."""
    tree = ast.parse(path.read_text())
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def top(module: str) -> str:
    return module.partition(".")[0]


@pytest.mark.parametrize("path", sources("pipeline"), ids=lambda p: str(p.relative_to(ROOT)))
def test_the_engine_imports_no_stage_and_no_library_of_models(path: Path) -> None:
    assert not {top(module) for module in imports(path)} & (HEAVY | {"stages"})


def test_the_engine_knows_no_recipe() -> None:
    """What this recipe calls its edges, models, tasks and results comes from the Project."""
    known = [
        f"{path.relative_to(ROOT)}:{number}: {found[0]}"
        for path in sources("pipeline")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if (found := RECIPE.search(line))
    ]
    assert not known


def test_the_parts_of_stages_never_import_a_kind_of_stage() -> None:
    """A part that is made for one kind names its config as a type (TYPE_CHECKING)."""
    above = {"kinds", "registry", "commands"}
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sources("stages")
        if path.parent != ROOT / "stages" and path.relative_to(ROOT).parts[1] not in above
        for module in imports(path)
        if top(module) == "stages" and [*module.split("."), ""][1] in above
    ]
    assert not wrong


KINDS = sorted(path for path in (ROOT / "stages/kinds").iterdir() if (path / "run.py").exists())


@pytest.mark.parametrize("folder", KINDS, ids=lambda folder: folder.name)
def test_a_kind_is_one_folder_with_all_that_the_engine_asks_of_it(folder: Path) -> None:
    code = f"""if True:
        import sys
        from stages.kinds.{folder.name}.kind import KINDS
        for kind in KINDS:
            hooks = (kind.settle, kind.check, kind.numbers, kind.needs, kind.origin, kind.gate)
            places = [kind.entry, kind.config.__module__, *(h.__module__ for h in hooks if h)]
            assert all(place.startswith("stages.kinds.{folder.name}.") for place in places), places
        sys.exit(sorted(set(sys.modules) & {HEAVY!r}) or 0)"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_no_model_is_loaded_without_a_word_on_the_code_that_it_brings() -> None:
    """Without one transformers asks on the terminal, or waits for an answer that nobody gives."""
    unsaid = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for package in ("stages", "benchmarks")
        for path in sources(package)
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "from_pretrained"
        and ast.unparse(call.func.value).startswith("Auto")
        and "trust_remote_code" not in {keyword.arg for keyword in call.keywords}
    ]
    assert not unsaid


def test_stages_use_of_the_engine_only_its_contracts() -> None:
    contracts = {"errors", "kinds", "artifact", "context", "meter", "notices", "state", "threads"}
    contracts |= {
        "engine_nodes",
        "hooks",
        "metrics",
        "run_folder",
        "statistics",
        "over_seeds",
        "seeds",
        "devices",
    }
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sources("stages")
        if path not in COMMANDS
        for module in imports(path)
        if top(module) == "pipeline" and module.split(".")[1] not in contracts
    ]
    assert wrong == []


def test_threads_are_started_where_one_that_cannot_start_is_told() -> None:
    """Else their starter waits for ever (pipeline/threads.py)."""
    for path in (*sources("pipeline"), *sources("stages")):
        text = path.read_text()
        if path.name != "threads.py" and "jail" not in path.parts:
            assert "ThreadPoolExecutor" not in text, path
            assert text.count("threading.Thread(") == text.count("threads.start("), path


@pytest.mark.parametrize(
    "module",
    ["stages.project", "stages.registry", "stages.report.results", "pipeline.run_command"],
)
def test_what_the_plan_needs_loads_without_torch_or_numpy(module: str) -> None:
    slow = HEAVY | {"numpy", "pyarrow", "matplotlib"}
    code = f"import sys, {module}; sys.exit(sorted(set(sys.modules) & {slow!r}) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_no_modules_import_each_other_in_a_circle() -> None:
    paths = {name_of(path): path for package in ("pipeline", "stages") for path in sources(package)}
    needs = {
        name: {module_in(paths, imported) for imported in imports(path)} & paths.keys() - {name}
        for name, path in paths.items()
    }
    while ends := [name for name in needs if no_circle_has(name, needs)]:
        needs = {name: needs[name] - {*ends} for name in needs.keys() - {*ends}}
    assert needs == {}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def module_in(known: Container[str], imported: str) -> str | None:
    """The module of this project that an import is of: `a.b.c` is one, or a name in `a.b`."""
    found = (name for name in (imported, imported.rpartition(".")[0]) if name in known)
    return next(found, None)


def no_circle_has(module: str, needs: dict[str, set[str]]) -> bool:
    """It needs no module, or none needs it."""
    return not needs[module] or not any(module in others for others in needs.values())


def test_constructors_name_what_they_take() -> None:
    unnamed = [
        f"{path.relative_to(ROOT)}: {owner.name}"
        for package in ("pipeline", "stages")
        for path in sources(package)
        for owner in ast.walk(ast.parse(path.read_text()))
        if isinstance(owner, ast.ClassDef)
        for method in owner.body
        if isinstance(method, ast.FunctionDef) and method.name == "__init__" and method.args.vararg
    ]
    # vLLM makes this one, in two versions of its runner
    assert unnamed == ["stages/rollout/vllm_logprobs.py: Tempered"]
