"""Two runs against each other, for a reader: Markdown, the same as one HTML file, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipeline.run_folder import RunFolder
from pipeline.statistics import Bootstrap
from stages.report import between, tables
from stages.report.names import ACCURACY, GENERAL, HEADLINE
from stages.report.runs import read
from stages.report.tables import NONE, number
from stages.report.web_text import markdown, rendered

SHOWN = (HEADLINE, f"{GENERAL}/{ACCURACY}")
RECIPE = "recipe"  # in place of a stage
LONGEST = 80  # characters of a value of the configuration


def build(old: RunFolder, new: RunFolder, config: Mapping[str, Any]) -> Path:
    """Write `against-<old>.md`, `.html` and `.json` into the report of the new run."""
    found = between.facts(read(old), read(new), Bootstrap(**config["bootstrap"]))
    path = new.report / f"against-{old.name}.md"
    text = write(found)
    path.write_text(text)
    title = f"{new.name} against {old.name}"
    page = rendered("between.html.j2", title=title, text=markdown(text, {}))
    path.with_suffix(".html").write_text(page)
    path.with_suffix(".json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    return path


def write(found: Mapping[str, Any]) -> str:
    """The Markdown of what `between.facts` found."""
    old, new = found["runs"]
    parts = [
        ("", f"# {new} against {old}\n\n{_summary(found)}"),
        ("Verdicts", _verdicts(found["claims"])),
        ("Accuracy", _accuracy(found["numbers"])),
        ("Configuration", _configuration(found["configuration"])),
        ("Made by", _origin(found["origin"])),
        ("Checks of the claims that differ", _checks(found["claims"])),
        ("Every number that differs", _numbers(found["numbers"])),
        ("Time", _seconds(found["seconds"])),
    ]
    written = [f"## {title}\n\n{text}" if title else text for title, text in parts if text]
    return "\n\n".join(written) + "\n"


def _summary(found: Mapping[str, Any]) -> str:
    stages = found["stages"]
    moved = [c for c in found["claims"] if c["old"] != c["new"]]
    lines = [
        f"**{len(moved)} of {len(found['claims'])} verdicts, {len(found['configuration'])} keys of "
        f"the configuration and {len(found['numbers'])} numbers differ.** {len(stages['same'])} "
        f"stages have the same result in both, {len(stages['other'])} another one.",
        "Differences are the later run less the earlier one, with 95 % intervals: paired by "
        "problem where both asked a model the same, else, marked ~, from the two intervals as if "
        "they were independent; bold where zero lies outside. That two runs with other seeds, "
        "machines or thread counts also differ by chance is not in them.",
    ]
    for key, run in (("only_old", found["runs"][0]), ("only_new", found["runs"][1])):
        if stages[key]:
            lines.append(f"Only {run} has {', '.join(stages[key])}.")
    return "\n\n".join(lines)


def _verdicts(claims: Iterable[Mapping[str, Any]]) -> str:
    rows = [
        [f"{c['id']}. {c['statement']}", c["old"] or NONE, _new(c["old"], c["new"])] for c in claims
    ]
    return _table(["claim", "earlier", "later"], rows)


def _new(old: str | None, new: str | None) -> str:
    return f"**{new or NONE}**" if old != new else new or NONE


def _accuracy(numbers: Iterable[Mapping[str, Any]]) -> str:
    rows = [row for row in numbers if row["metric"] in SHOWN]
    return _table(["per cent", "earlier", "later", "difference"], map(_number, rows))


def _numbers(numbers: Iterable[Mapping[str, Any]]) -> str:
    rows = [_number(row) for row in numbers if row["metric"] not in SHOWN]
    return _table(["", "earlier", "later", "difference"], rows)


def _number(row: Mapping[str, Any]) -> list[str]:
    metric = row["metric"]
    sides = [
        tables.cell({metric: side} if side else {}, metric) for side in (row["old"], row["new"])
    ]
    return [f"{row['stage']}, {metric}", *sides, _difference(row)]


def _difference(row: Mapping[str, Any]) -> str:
    """`+3.1 [+1.0, +5.2]`, bold where zero is outside, `~` where it is not paired."""
    if row["difference"] is None:
        return NONE
    metric = row["metric"].rpartition("/")[2]
    text = _signed(row["difference"], metric)
    if "low" not in row:
        return text
    mark = "" if row["paired"] else "~ "
    text = f"{mark}{text} [{_signed(row['low'], metric)}, {_signed(row['high'], metric)}]"
    return f"**{text}**" if row["low"] > 0 or row["high"] < 0 else text


def _signed(value: float, metric: str) -> str:
    text = number(value, metric)
    return text if text.startswith("-") else f"+{text}"


def _configuration(differing: Iterable[Mapping[str, Any]]) -> str:
    """A row for each change: stages in which a key changed alike share one."""
    changes: dict[tuple[str, str, str], list[str]] = {}
    for row in differing:
        stage, key = _of_stage(row["key"])
        old, new = (_value(row[side], row[f"in_{side}"]) for side in ("old", "new"))
        changes.setdefault((key, old, new), []).append(stage)
    rows = [[f"`{key}`", *sides, ", ".join(where)] for (key, *sides), where in changes.items()]
    return _table(["key", "earlier", "later", "stages"], rows)


def _of_stage(key: str) -> tuple[str, str]:
    """`stages.zero.max_steps`: zero, and its key; other keys are the recipe's."""
    if not key.startswith("stages.") or key.count(".") == 1:
        return RECIPE, key
    _, stage, rest = key.split(".", 2)
    return stage, rest


def _value(value: Any, there: bool) -> str:
    """A value as code that a table can hold: without its bar, and not too long."""
    if not there:
        return NONE
    text = json.dumps(value, ensure_ascii=False, default=str).replace("|", "¦").replace("`", "'")
    return f"`{text[:LONGEST]}…`" if len(text) > LONGEST else f"`{text}`"


def _origin(rows: Iterable[Mapping[str, Any]]) -> str:
    return _table(["", "earlier", "later"], [[r["what"], r["old"], r["new"]] for r in rows])


def _checks(claims: Iterable[Mapping[str, Any]]) -> str:
    rows = [
        [f"{c['id']}. {check['says']}", *(_interval(check[side]) for side in ("old", "new"))]
        for c in claims
        for check in c["checks"]
        if check["old"] != check["new"]
    ]
    return _table(["difference [95 %]", "earlier", "later"], rows)


def _interval(check: Mapping[str, Any] | None) -> str:
    if check is None or check["difference"] is None:
        return NONE
    return f"{check['difference']:+.3f} [{check['low']:+.3f}, {check['high']:+.3f}]"


def _seconds(rows: Iterable[Mapping[str, Any]]) -> str:
    cells = [
        [
            row["stage"],
            *(NONE if t is None else tables.duration(t) for t in (row["old"], row["new"])),
        ]
        for row in rows
    ]
    return _table(["stage", "earlier", "later"], cells)


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    cells = list(rows)
    return tables.table(head, cells) if cells else ""
