"""What README.md, CONTRIBUTING.md and docs/ say is there: links, files, tests, commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.cli import _VERBS
from stages.project import R1
from tests.selection import LONG, SLOW, TORCH

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(page for place in (".", "docs", ".github") for page in (ROOT / place).glob("*.md"))
HOUSE = r"pipeline|stages|conf|tests|benchmarks|artifacts|requirements|docs|\.ci|\.github"
NAMED = re.compile(rf"(?<![\w./-])((?:{HOUSE})/[\w./-]*+)(?:::(\w+))?(?![<*])")

pages = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


@pages
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not target.startswith(("http:", "https:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pages
def test_the_files_and_tests_that_a_page_names_exist(page: Path) -> None:
    """But for those of its reader, which are called `mine`."""
    for path, test in NAMED.findall(page.read_text()):
        if "mine" not in path:
            file = ROOT / path.rstrip("./")
            assert file.exists(), f"{page.name} names {path}"
            assert not test or f"def {test}(" in file.read_text(), f"{page.name} names {test}"


def test_the_design_and_the_guide_name_what_they_speak_of() -> None:
    for page, least in (("docs/architecture.md", 60), ("CONTRIBUTING.md", 25)):
        assert len(set(NAMED.findall((ROOT / page).read_text()))) > least


def test_every_page_of_the_documentation_is_in_its_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    assert [p.name for p in (ROOT / "docs").glob("*.md") if f"]({p.name})" not in index] == [
        "README.md"
    ]


def test_the_files_that_the_tests_list_exist() -> None:
    for place in (*LONG, *TORCH, *SLOW):
        assert (ROOT / "tests" / place).exists(), f"tests/selection.py lists {place}"


def test_the_commands_that_the_pages_show_exist() -> None:
    pages = (ROOT / "README.md", ROOT / "CONTRIBUTING.md")
    text = "\n".join(page.read_text() for page in pages)
    commands = re.findall(r"^    (\S.*)$|`(make [^`]*)`", text, re.MULTILINE)
    words = [re.split(r"\s{2,}#| #", block or inline)[0].split() for block, inline in commands]
    targets = {
        w for line in words if line[0] == "make" for w in line[1:] if re.match(r"[a-z][a-z-]*$", w)
    }
    verbs = {line[1] for line in words if line[0].endswith("/r1")}
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert len(targets) > 10
    assert targets <= known
    assert {"run", "why"} <= verbs <= {*_VERBS, *R1.commands}
