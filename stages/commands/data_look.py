"""`r1 doctor --data`: whether the data sets of the hub are there, and are what they were.

    r1 doctor --data                            every stage that reads a data set of the hub
    r1 doctor --data +data@stages.mine=s1k      overrides are those of `r1 run`
    r1 doctor --data --json

Of each set the first rows that its stage asks for go through the stage itself, and what differs is
told: rows refused, columns that are not there, rows told and there (where Parquet says how many),
the commit that was read and the newest. No file is fetched whole. Exit code 1 if any set fails.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipeline.artifact import Inputs
from pipeline.compose import Composed
from pipeline.context import Context
from pipeline.errors import RecipeError
from pipeline.project import Project, load
from stages.hub.listing import Listing, listing, newest
from stages.hub.remote import remote
from stages.rows.files import BrokenRow, Raw, attempt
from stages.rows.formats import FORMATS
from stages.rows.left_out import FILE
from stages.rows.parts import Part
from stages.rows.places import ending_of, not_there
from stages.rows.schemas import read_rows
from stages.rows.sources import AS_IT_IS, open_source
from stages.rows.where import asked_for

ROWS = 20  # that are read of each set
SEARCHED = 2000  # rows that are looked through for them, where a stage asks for some alone
RETRIES = 1
_MISSING = re.compile(r"no column `([^`]+)`")


@dataclass
class Look:
    """What was found of one set. asked: the revision; null: the newest. refused: why, each once."""

    stage: str
    home: str
    asked: str | None = None
    read_at: str | None = None
    newest: str | None = None
    rows: int = 0
    read: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    columns: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    rows_told: int | None = None
    rows_there: int | None = None
    megabytes_there: float | None = None
    failed: str | None = None


def main(project: Project, composed: Composed, as_json: bool) -> int:
    """Look at every set; the exit code."""
    sources = [(name, stage) for name, stage in composed.stages.items() if _of_the_hub(stage)]
    looks = []
    for name, config in sources:
        looks.append(_look(project, name, config))
        if not as_json:
            print("\n".join(_lines(looks[-1])), flush=True)
    if as_json:
        print(json.dumps([asdict(one) for one in looks], indent=1, ensure_ascii=False))
    elif not looks:
        print("no stage of this recipe reads a data set of the hub")
    return 1 if any(one.failed for one in looks) else 0


def _of_the_hub(config: Any) -> bool:
    """Whether a stage reads rows by a name of the hub."""
    if not (hasattr(config, "files") and hasattr(config, "hub")):
        return False
    return not Path(config.path).expanduser().exists() and not_there(config.path) is None


def _look(project: Project, stage: str, config: Any) -> Look:
    found = Look(stage, config.path, config.revision, rows_told=config.about.rows)
    hub = dataclasses.replace(config.hub, retries=min(RETRIES, config.hub.retries))
    config = dataclasses.replace(config, hub=hub)
    try:
        _fill(found, project, stage, config)
    except RecipeError as error:
        found.failed = str(error)
    except Exception as error:  # of the hub's libraries, in the middle of a file
        found.failed = f"stages.{stage}.path={config.path}: {type(error).__name__}: {error}"
    return found


def _fill(found: Look, project: Project, stage: str, config: Any) -> None:
    key = f"stages.{stage}"
    format_ = FORMATS.get(getattr(config, "format", ""), AS_IT_IS)
    parts = open_source(config, format_, key, look=True)
    found.read_at = parts[0].commit
    found.newest = newest(config.path) if config.revision else found.read_at
    _count(found, parts, listing(config.path, found.read_at, config.hub, key))
    rows = [(part, row) for part in parts[:1] for row in _asked_for(part, config)]
    found.rows = len(rows)
    found.columns = sorted({name for _, row in rows for name in row})
    if not rows:
        found.failed = f"{key}.where: none of the first {SEARCHED:,} rows is asked for"
        return
    _through_the_stage(found, project, stage, config, parts[0], [row for _, row in rows])
    least = config.hub.refused_below * (config.about.rows or 0)
    if found.failed is None and found.rows_there is not None and found.rows_there < least:
        found.failed = f"{key}.about.rows tells {config.about.rows:,}: the set shrank"


def _asked_for(part: Part, config: Any) -> Iterator[Raw]:
    """The first rows that meet the stage's conditions; a broken one stands as it is."""
    rows = (
        row
        for _, row in islice(part.rows, SEARCHED)
        if isinstance(row, BrokenRow) or attempt(asked_for, row, config.where) is not False
    )
    return (row for row in islice(rows, ROWS) if not isinstance(row, BrokenRow))


def _count(found: Look, parts: Sequence[Part], files: Listing) -> None:
    """The rows and the bytes of the files that the stage would read."""
    paths = [path for part in parts for path in part.files]
    found.megabytes_there = round(sum(files.files[path].size for path in paths) / 1e6, 1)
    if all(ending_of(Path(path)) == ".parquet" for path in paths):
        found.rows_there = 0
        for path in paths:
            with remote(files, path).open() as file:
                found.rows_there += pq.read_metadata(file).num_rows


def _through_the_stage(
    found: Look, project: Project, stage: str, config: Any, part: Part, rows: Sequence[Raw]
) -> None:
    """Have the stage read these rows as a file of a user."""
    changes: dict[str, Any] = {"limit": None}
    if hasattr(config, "balance_lengths"):
        changes["balance_lengths"] = False
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        path = folder / f"{part.name or 'rows'}.jsonl"
        path.write_text("".join(json.dumps(row, default=str) + "\n" for row in rows))
        made = dataclasses.replace(config, path=str(path), **changes)
        context = Context(stage, "look", folder, folder, config.seed, 1, folder)
        inputs: Inputs = {}
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said):
                outputs = load(project.kinds()[config.kind].entry)(made, inputs, context)
            found.read = outputs.funnel["kept"]
        except RecipeError as error:
            found.failed = str(error).replace(str(path), config.path)
        left = read_rows(folder / FILE) if (folder / FILE).exists() else []
    for row in left:
        found.refused[row["detail"]] = found.refused.get(row["detail"], 0) + 1
    reasons = "\n".join([*found.refused, found.failed or ""])
    found.missing = sorted(set(_MISSING.findall(reasons)))
    if found.missing and found.failed is None:
        found.failed = f"stages.{stage}: rows lack the column {', '.join(found.missing)}"


def _lines(look: Look) -> Iterator[str]:
    asked = look.asked[:7] if look.asked else "the newest"
    at = f"@{look.read_at[:7]}" if look.read_at else ""
    newer = look.newest and look.newest != look.read_at
    yield f"{look.stage}: {look.home}{at}, asked for {asked}" + (
        f"; the newest is {look.newest}" if newer else ""
    )
    if look.rows:
        refused = look.rows - look.read
        there = "" if look.rows_there is None else f", {look.rows_there:,} there"
        told = "" if look.rows_told is None else f", {look.rows_told:,} rows told{there}"
        size = "" if look.megabytes_there is None else f", {look.megabytes_there:,} MB"
        yield f"    {look.rows} rows: {look.read} read, {refused} not{told}{size}"
    for reason, count in list(look.refused.items())[:1]:
        yield f"    {count} refused: {reason}"
    if look.missing:
        yield f"    columns: {', '.join(look.missing)} not there; found {', '.join(look.columns)}"
    if look.failed:
        yield f"    FAILED: {look.failed}"
