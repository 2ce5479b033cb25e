"""A real data set as problems: GSM8K, MATH-500, MGSM, or rows in our own columns.

    defaults: [/kind/dataset@_here_]
    format: gsm8k            # how its rows are read (stages/data/formats.py)
    path: openai/gsm8k       # a hub name, or a local .jsonl, .tsv or .parquet file
    subset: main
    split: test

The paper's own prompts are not public (its RL data is described in table form only), so any set of
problems with checkable answers takes their place.
"""

from __future__ import annotations

from collections import Counter

from pipeline.artifact import Inputs
from pipeline.context import Context
from pipeline.errors import RecipeError, UsageError
from pipeline.kinds import Outputs
from stages.configs import DatasetConfig
from stages.data.formats import FORMATS
from stages.data.rows import PROBLEM, write_rows
from stages.data.sources import open_source, read_problems


def run(config: DatasetConfig, inputs: Inputs, context: Context) -> Outputs:
    """Read, check and publish every row; any row that cannot be read stops the stage."""
    key = f"stages.{context.stage}"
    if config.format not in FORMATS:
        raise UsageError(
            f"{key}.format={config.format}: unknown; expected one of {', '.join(FORMATS)}"
        )
    format_ = FORMATS[config.format]
    name, raw = open_source(
        config.path, format_, config.subset, config.split, config.limit, f"{key}.path"
    )
    prefix = f"{config.format}-{name}"
    rows = list(read_problems(raw, format_, prefix, config.language, config.path))
    if not rows:
        raise RecipeError(f"{key}.path={config.path}: no rows")
    repeated = [id_ for id_, count in Counter(row["id"] for row in rows).items() if count > 1]
    if repeated:
        raise RecipeError(f"{config.path}: {len(repeated)} ids occur twice, e.g. {repeated[0]!r}")
    write_rows(context.output / "rows.parquet", rows, PROBLEM)
    languages = Counter(row["language"] for row in rows)
    domains = Counter(row["domain"] for row in rows)
    facts = {"rows": len(rows), "domains": dict(domains), "languages": dict(languages)}
    return Outputs(facts=facts, funnel={"read": len(rows), "kept": len(rows)})
