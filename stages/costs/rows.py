"""How many rows a stage that makes no model hands on, and what handling them takes."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.kinds import Stage
from stages.costs.work import ROWS, Disk, Handled, Known, Work


def handled(known: Known, rows: float, tokens: float, seen: float | None = None) -> Work:
    """A stage of rows alone. seen: rows that it looks at, where these are others."""
    size = rows * tokens * known.assumed.token_bytes
    tasks = (Handled(rows if seen is None else seen, ROWS),)
    return Work(rows=rows, row_tokens=tokens, tasks=tasks, disk=Disk(size), light=True)


def taken(known: Known, sources: Iterable[Stage]) -> tuple[float, float]:
    """Rows that come in, and their mean tokens."""
    sources = [source for source in sources if source.kind.produces != "model"]
    rows = [known.rows(source) for source in sources]
    tokens = sum(
        count * known.work(source).row_tokens for count, source in zip(rows, sources, strict=True)
    )
    return sum(rows), tokens / sum(rows) if sum(rows) else 0.0


def imported(stage: Stage, known: Known, tokens: float) -> Work:
    """Rows of a file or a public set: as many as its card or its limit says."""
    config = stage.config
    about = getattr(config, "about", None)
    rows = float(about.rows) if about and about.rows else float(known.assumed.file_rows)
    limit = getattr(config, "limit", None)
    return handled(known, min(rows, limit) if limit else rows, tokens)
