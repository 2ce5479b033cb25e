"""Long chains of thought that people wrote or others published, as conversations to learn.

Paper (B.3.2): the cold start's data is partly human-made. A file of anybody's rows takes its
place, or that of any data of an SFT: columns (stages/chat/exchanges.py) and thought tags
(stages/chat/thoughts.py) of the usual kinds are brought into the recipe's form. Rows that cannot be
are counted by reason and listed in left_out.parquet. A row that carries a reference can be judged
by a verifier; wrong ones are left out.

    defaults: [/kind/conversations@_here_]
    path: mine.jsonl                 or .parquet, or a hub name
    domain: math                     of rows without a `domain`
    verifier: math                   optional
    where: {score: {at_least: 9}}    optional: which rows (stages/rows/where.py)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from pipeline.artifact import Inputs
from pipeline.context import Context
from pipeline.errors import RecipeError
from pipeline.kinds import Outputs
from stages.kinds.conversations.kind import ConversationsConfig, rules
from stages.rows.files import BrokenRow, located
from stages.rows.imported import Importer, Place, Report
from stages.rows.parts import Part, hub_facts
from stages.rows.schemas import CONVERSATION, write_rows
from stages.rows.sources import AS_IT_IS, Raw, open_source
from stages.rows.where import asked_for
from stages.settings.values import refuse
from stages.verifiers.pool import VerifierPool


def run(config: ConversationsConfig, inputs: Inputs, context: Context) -> Outputs:
    """Publish every row that can be learnt, and the list of those that cannot."""
    key = f"stages.{context.stage}"
    refuse(rules(config), key)
    with VerifierPool.of(config.verifiers) as pool:
        importer = Importer(config.domain, config.language, config.columns, config.verifier, pool)
        parts = open_source(config, AS_IT_IS, key)
        read = _asked_for(_raw(config, parts), config.where, importer.report)
        rows = importer.conversations(islice(read, config.limit))
        kept = write_rows(context.output / "rows.parquet", rows, CONVERSATION)
    report = importer.report
    report.left_out.write(context.output)
    if not kept:
        raise RecipeError(_nothing(f"{key}.path={config.path}", report))
    if report.left_out.rows:
        context.warn(report.left_out.told())
    facts = {
        "rows": kept,
        "with_thought": report.with_thought,
        "rows_by_columns": dict(report.columns),
        "rows_by_style": dict(report.styles),
        "rows_by_language": dict(report.languages),
        **hub_facts(config, parts, report.funnel()["read"], key, context.warn),
    }
    verdicts = {"verdicts": dict(report.verdicts)} if config.verifier else {}
    return Outputs(facts | verdicts, report.funnel())


def _raw(
    config: ConversationsConfig, parts: Sequence[Part]
) -> Iterator[tuple[Place, Raw | BrokenRow]]:
    """Each row with its place: the file's name, or that of the hub's data set, and a number."""
    for part in parts:
        name = part.name or config.path.rpartition("/")[2]
        for number, row in part.rows:
            yield (name, number), row


def _asked_for(
    raw: Iterator[tuple[Place, Raw | BrokenRow]], where: Mapping[str, Any], report: Report
) -> Iterator[tuple[Place, Raw | BrokenRow]]:
    """The rows that meet the conditions, and those that cannot be read; the others are counted."""
    for place, row in raw:
        if isinstance(row, BrokenRow) or located(*place, asked_for, row, where):
            yield place, row
        else:
            report.not_asked_for += 1


def _nothing(where: str, report: Report) -> str:
    if not report.left_out.rows:
        return f"{where}: no rows"
    first = report.left_out.rows[0]
    reasons = ", ".join(f"{name} {count}" for name, count in report.funnel().items())
    return (
        f"{where}: no row can be learnt ({reasons}).\n"
        f"The first is row {first['row']}: {first['reason']}: {first['detail']}"
    )
