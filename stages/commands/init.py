"""`r1 init NAME`: a world of one's own, to be filled slot by slot.

    r1 init mine            conf/world/mine.yaml, and a file for each slot in conf/data/mine, …
    r1 plan --data world=mine

The files are those of the open world (or `--from tiny`): each slot is one file, to be edited, and
what stays as it is reads the same public data.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.graph import did_you_mean
from pipeline.project import Project

GROUPS = ("data", "model", "stage")  # that have a folder for each world
NAME = re.compile(r"[a-z][a-z0-9_]*")


def main(arguments: Sequence[str]) -> int:
    """Entry point of the verb; the exit code."""
    from stages.project import R1

    assert __doc__ is not None
    about, _, more = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="r1 init",
        description=about,
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", help="of the new world: small letters, digits, underscores")
    parser.add_argument("--from", dest="like", default="open", help="which world it begins as")
    options = parser.parse_args(arguments)
    written = write_world(R1, options.name, options.like)
    print("\n".join(str(path) for path in written))
    print(f"{len(written)} files. Edit a slot, then look: r1 plan --data world={options.name}")
    return 0


def write_world(project: Project, name: str, like: str) -> list[Path]:
    """Write the files of a world `name`, those of the world `like`; raises UsageError."""
    conf = project.conf_dir()
    worlds = sorted(path.stem for path in (conf / "world").glob("*.yaml"))
    if like not in worlds:
        raise UsageError(f"--from {like}: no such world. {did_you_mean(like, worlds)}")
    if not NAME.fullmatch(name):
        raise UsageError(f"{name}: expected small letters, digits and underscores, as in `mine`")
    copies = {conf / "world" / f"{like}.yaml": conf / "world" / f"{name}.yaml"}
    for group in GROUPS:
        for file in sorted((conf / group / like).glob("*.yaml")):
            copies[file] = conf / group / name / file.name
    if there := [target for target in copies.values() if target.exists()]:
        raise UsageError(f"{there[0]} is there: remove it, or take another name")
    for source, target in copies.items():
        target.parent.mkdir(exist_ok=True)
        text = source.read_text(encoding="utf-8")
        target.write_text(re.sub(rf"/(data|model|stage)/{like}/", rf"/\1/{name}/", text), "utf-8")
    return list(copies.values())
