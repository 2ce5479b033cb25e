"""What forcing made of the samples: the rows of budgets.parquet, and the points of the curve."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from pipeline.statistics import Bootstrap, estimates
from stages.rows.schemas import Row
from stages.sampling.collect import Job
from stages.scoring.estimators import mean

Samples = list[list[Row]]  # the samples of each problem
Place = tuple[int, int]  # problem, sample
Point = dict[str, float | int]

BUDGETS, WAITS = "budgets", "waits"
AMOUNT = {BUDGETS: "budget", WAITS: "waits"}  # what a point of the facts calls it
COUNTS = ("forced", "never_ended", "no_end", "no_room")  # forced: the setting changed the sample

#: budgets.parquet: a row per setting and problem.
FORCED = pa.schema(
    [
        ("id", pa.string()),
        ("domain", pa.string()),
        ("language", pa.string()),
        ("setting", pa.string()),  # budgets or waits
        ("amount", pa.int64()),
        ("accuracy", pa.float64()),  # of the judged samples
        ("thinking_tokens", pa.float64()),
        *((name, pa.int64()) for name in COUNTS),  # of samples
    ]
)


@dataclass
class Forced:
    """What one setting made of the samples of some problems; `places` by what befell them."""

    setting: str
    amount: int
    scores: list[list[float | None]]
    thinking: list[list[int]]
    places: dict[str, list[Place]]

    def rows(self, jobs: Sequence[Job]) -> Iterator[Row]:
        counts = {name: Counter(i for i, _ in self.places.get(name, ())) for name in COUNTS}
        for i, job in enumerate(jobs):
            yield {
                **{name: job.problem[name] for name in ("id", "domain", "language")},
                "setting": self.setting,
                "amount": self.amount,
                "accuracy": mean(self.scores[i]),
                "thinking_tokens": mean(self.thinking[i]),
                **{name: counts[name][i] for name in COUNTS},
            }


def curve_facts(rows: Sequence[Row], bootstrap: Bootstrap) -> dict[str, list[Point]]:
    """`budgets` and `waits`: a point per setting, with the interval of its accuracy.

    A setting without a judged sample has no point.
    """
    facts: dict[str, list[Point]] = {BUDGETS: [], WAITS: []}
    settings: dict[tuple[str, int], list[Row]] = {}
    for row in rows:
        settings.setdefault((row["setting"], row["amount"]), []).append(row)
    for (setting, amount), found in settings.items():
        accuracy = estimates({"": [row["accuracy"] for row in found]}, bootstrap).get("")
        if accuracy is not None:
            facts[setting].append(
                {
                    AMOUNT[setting]: amount,
                    **accuracy.as_dict(),
                    "mean_thinking_tokens": mean([row["thinking_tokens"] for row in found]) or 0.0,
                    **{name: sum(row[name] for row in found) for name in COUNTS},
                }
            )
    return facts
