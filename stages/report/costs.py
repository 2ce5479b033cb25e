"""What each stage was to cost beside what it did, in the report's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.artifact import Artifact
from stages.costs.compare import OFF, Pair, Row, beside, off, total
from stages.report.tables import NONE, duration, table

GB = 1e9
HEAD = ("time", "tokens in", "tokens out", "peak memory, GB", "on disk, MB", "price")


def facts(artifacts: Mapping[str, Artifact], told: Mapping[str, Any]) -> dict[str, Any]:
    """By stage and in all: `{"seconds": {"foreseen": …, "actual": …, "ratio": …}, …}`."""
    rows = {name: beside(told, artifact) for name, artifact in artifacts.items()}
    return {
        "hardware": told.get("hardware"),
        "currency": told.get("currency"),
        "stages": {name: _plain(row) for name, row in rows.items()},
        "total": _plain(total(rows.values())),
    }


def section(artifacts: Mapping[str, Artifact], told: Mapping[str, Any]) -> str:
    """The table, and what was foreseen wrongly; empty of no stage."""
    rows = {name: beside(told, artifact) for name, artifact in artifacts.items()}
    if not rows:
        return ""
    cells = [[name, *_cells(row)] for name, row in rows.items()]
    cells.append(["**all of which both are known**", *_cells(total(rows.values()))])
    parts = [_how(told), table(["foreseen → was", *HEAD], cells), _wrong(rows)]
    return "\n\n".join(part for part in parts if part)


def _how(told: Mapping[str, Any]) -> str:
    if why := told.get("why"):
        return f"Nothing was foreseen: {why}"
    if not told.get("stages"):
        return ""
    price = told.get("hour")
    money = f" at {price:g} {told['currency']} a device-hour" if price is not None else ""
    return (
        f"Foreseen is what `r1 plan --cost` says for {told['hardware']}{money}, from the "
        "configuration alone. `r1 hardware` keeps what this machine showed (docs/costs.md). Bold: "
        f"more than {100 * OFF:.0f} % off."
    )


def _cells(row: Row) -> list[str]:
    return [
        _cell(row["seconds"], duration),
        _cell(row["tokens_in"], _count),
        _cell(row["tokens_out"], _count),
        _cell(row.get("memory_bytes", Pair(None, None)), lambda value: f"{value / GB:.2f}"),
        _cell(row["disk_bytes"], lambda value: f"{value / 1e6:.2f}"),
        _cell(row["money"], lambda value: f"{value:.2f}"),
    ]


def _cell(pair: Pair, shown: Any) -> str:
    """`4 min 38 s → 5 min 10 s (1.11)`"""
    said = NONE if pair.foreseen is None else shown(pair.foreseen)
    was = NONE if pair.actual is None else shown(pair.actual)
    if said == was == NONE:
        return NONE
    if pair.ratio is None:
        return f"{said} → {was}"
    ratio = f"{pair.ratio:.2f}"
    return f"{said} → {was} ({f'**{ratio}**' if pair.off else ratio})"


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _wrong(rows: Mapping[str, Row]) -> str:
    """The times that were off, in words: the numbers by which a machine's file is mended."""
    wrong = [f"{stage} took {pair.ratio:.2f} of it" for stage, pair in off(rows, "seconds")]
    return f"Off in time: {', '.join(wrong)}." if wrong else ""


def _plain(row: Row) -> dict[str, dict[str, float | None]]:
    return {name: pair.plain() for name, pair in row.items()}
