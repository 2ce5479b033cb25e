"""The digest of a kind's code covers what its entry imports, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipeline.digests import Digests
from pipeline.errors import StageFailed
from pipeline.kinds import Kind
from pipeline.sources import Sources


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "made_for_sources"
    (folder / "parts").mkdir(parents=True)
    for name, code in {
        "__init__.py": "",
        "step.py": "from made_for_sources.parts import near\ndef run(): import json\n",
        "parts/__init__.py": "",
        "parts/near.py": "import made_for_sources.parts.far as far\n",
        "parts/far.py": "x = 1\n",
        "parts/other.py": "x = 1\n",
        "words.txt": "one\n",
    }.items():
        (folder / name).write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("made_for_sources", None)
    return folder


def digest(package: Path, *sources: str) -> str:
    kind = Kind("step", 1, object, "x", "made_for_sources.step:run", sources=sources)
    found = Sources(Digests(package / "digests.json"), package.parent / "imports.json")
    try:
        return found.digest(kind)
    finally:
        found.save()


@pytest.mark.parametrize(
    ("file", "counts"),
    [("step.py", True), ("parts/far.py", True), ("parts/other.py", False), ("words.txt", False)],
)
def test_a_changed_file_counts_when_the_entry_reaches_it(
    package: Path, file: str, counts: bool
) -> None:
    before = digest(package)
    assert digest(package) == before
    with (package / file).open("a") as changed:
        changed.write("# changed\n")
    assert (digest(package) != before) is counts


@pytest.mark.parametrize("content", ["[]", "null", '{"a": 1}', "[" * 9999])
def test_a_harmed_cache_of_imports_is_only_slower(package: Path, content: str) -> None:
    before = digest(package)
    (package.parent / "imports.json").write_text(content)
    assert digest(package) == before


def test_data_that_a_kind_declares_counts_too(package: Path) -> None:
    before = digest(package, "made_for_sources/words.txt")
    (package / "words.txt").write_text("two\n")
    assert digest(package, "made_for_sources/words.txt") != before
    with pytest.raises(StageFailed, match=r"gone\.txt does not exist; correct `sources`"):
        digest(package, "made_for_sources/gone.txt")
