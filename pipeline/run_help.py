"""`r1 run --help`: what a run can be asked for, on one page."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

import yaml

from pipeline.compose import CONFIG_NAME
from pipeline.project import Project, load

_HEAD = """\
usage: r1 run [KEY=VALUE ...] [--detach] [-m] [--cfg job] [--info] [--debug]

Run the recipe: what is done is kept, what stopped is resumed. `r1 plan` takes
the same words and shows what would run.
"""
_GROUPS = """
GROUP=OPTION chooses from the configuration; the default stands in [brackets]:
"""
_TAIL = """
flags:
  --detach         let it run by itself; see `r1 attach` and `r1 cancel`
  -m, --multirun   run once for each of the values that stand behind commas
  --cfg job        print the whole configuration as it would be used, and end
  --info           print where parts of the configuration come from, and end
  --hydra-help     what Hydra, which reads KEY=VALUE, has beside these
  --debug          show tracebacks"""


def page(project: Project) -> str:
    """The page; groups and their options are those of the project's configuration."""
    examples = f"\n{load(project.examples)}\n" if project.examples else ""
    groups = "\n".join(_groups(project.conf_dir()))
    return f"{_HEAD}{examples}{_GROUPS}{groups}\n{_TAIL}"


def _groups(conf: Path) -> Iterator[str]:
    """A line, or some, for each group of the defaults list that leaves a choice."""
    defaults = yaml.safe_load((conf / f"{CONFIG_NAME}.yaml").read_text())["defaults"]
    chosen = {
        group: option
        for entry in defaults
        if isinstance(entry, dict)
        for group, option in entry.items()
        if len(_options(conf, group)) > 1
    }
    width = max(map(len, chosen), default=0)
    for group, option in chosen.items():
        names = _options(conf, group)
        words = ", ".join(f"[{name}]" if name == option else name for name in names)
        indent = " " * (width + 4)
        yield textwrap.fill(
            words, 80, initial_indent=f"  {group:{width}}  ", subsequent_indent=indent
        )


def _options(conf: Path, group: str) -> list[str]:
    return sorted(path.stem for path in (conf / group).glob("[!_]*.yaml"))
