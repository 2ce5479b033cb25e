"""Whether a model may judge: measured on labelled rows, and on hostile ones, before it scores.

What it is held to (stages/kinds/sample/config.py): the share of labelled rows that it judges as
they are labelled, replies that cannot be read counted against it; the share of wrong rows that it
calls right, by the upper end of its interval, since that is what training on its verdicts would
learn to use; and no hostile row called right. Intervals are Wilson's, at 95 %.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import sqrt

import pyarrow as pa

from pipeline.context import Context
from pipeline.errors import RecipeError
from pipeline.statistics import Estimate
from stages.judging.answer_judge import AnswerJudge, Opinion
from stages.judging.labelled_answers import Labelled, hostile, read_labelled
from stages.rows.schemas import Row, write_rows

MEASURED = "judge_measured.parquet"
SHOWN = 40  # rows of each sort that a message names
Z = 1.959964  # of a 95 % interval

SCHEMA = pa.schema(
    [
        ("row", pa.int64()),  # of the file, from 1
        ("attack", pa.string()),  # how it was made hostile, or null
        ("answer", pa.string()),
        ("right", pa.bool_()),  # as labelled
        ("score", pa.float64()),  # as judged; null: no verdict
        ("reason", pa.string()),
    ]
)


@dataclass(frozen=True)
class Measured:
    """What a judge said of labelled rows and of hostile ones."""

    judged: Sequence[tuple[Labelled, Opinion]]

    def facts(self) -> dict[str, object]:
        """The shares with their intervals, and how many hostile rows were called right, by kind."""
        plain, attacked = self._of(lambda row: not row.attack), self._of(lambda row: row.attack)
        right = [opinion for row, opinion in plain if row.right]
        fooled = {row.attack: 0 for row, _ in attacked}
        for row, opinion in attacked:
            fooled[row.attack] += opinion.score == 1.0
        return {
            "labelled": len(plain),
            "agreement": self.agreement.as_dict(),
            "false_positives": self.false_positives.as_dict(),
            "false_negatives": _share([o.score == 0.0 for o in right]).as_dict(),
            "unreadable": sum(opinion.score is None for _, opinion in self.judged),
            "hostile": len(attacked),
            "hostile_called_right": fooled,
        }

    @property
    def agreement(self) -> Estimate:
        """Of the labelled rows, those that are judged as labelled."""
        plain = self._of(lambda row: not row.attack)
        return _share([opinion.score == float(row.right) for row, opinion in plain])

    @property
    def false_positives(self) -> Estimate:
        """Of the wrong labelled rows, those that are called right."""
        wrong = self._of(lambda row: not row.attack and not row.right)
        return _share([opinion.score == 1.0 for _, opinion in wrong])

    @property
    def fooled(self) -> list[Labelled]:
        """The hostile rows that are called right."""
        return [row for row, opinion in self.judged if row.attack and opinion.score == 1.0]

    def rows(self) -> Iterator[Row]:
        """A line for every row that was judged."""
        for row, opinion in self.judged:
            yield {
                "row": row.row,
                "attack": row.attack or None,
                "answer": row.claim.answer,
                "right": row.right and not row.attack,
                "score": opinion.score,
                "reason": str(opinion),
            }

    def places(self, *wanted: tuple[bool, float | None]) -> str:
        """The rows of the file with a label and a score, as a message names them."""
        found = [
            row.row
            for row, opinion in self.judged
            if not row.attack and (row.right, opinion.score) in wanted
        ]
        return _listed([str(place) for place in found])

    def _of(self, which: Callable[[Labelled], object]) -> list[tuple[Labelled, Opinion]]:
        return [(row, opinion) for row, opinion in self.judged if which(row)]


def measure(judge: AnswerJudge, context: Context) -> dict[str, object]:
    """The facts of a judge that may score; RecipeError for one that may not."""
    rows = read_labelled(judge.config, judge.key)
    rows += list(hostile(rows))
    opinions = judge.opinions([row.claim for row in rows])
    measured = Measured(list(zip(rows, opinions, strict=True)))
    write_rows(context.output / MEASURED, measured.rows(), SCHEMA)
    if faults := list(_faults(measured, judge)):
        where = f"{judge.key.removesuffix('.generative_judge')}.judge_with={judge.model.stage}"
        said = [f"{where}: it may not judge what rules cannot.", *faults]
        raise RecipeError("\n".join([*said, *_advice(measured, judge)]))
    return {"judge": judge.model.stage, **measured.facts()}


def _faults(measured: Measured, judge: AnswerJudge) -> Iterator[str]:
    config, agreement, false = judge.config, measured.agreement, measured.false_positives
    if agreement.value < config.min_agreement:
        yield (
            f"  It judges {_told(agreement)} of the labelled rows as they are labelled, and "
            f"min_agreement is {config.min_agreement:g}"
        )
    if false.high > config.max_false_positives:
        yield (
            f"  It calls {_told(false)} of the wrong rows right, and the upper end of the interval "
            f"may be {config.max_false_positives:g} (max_false_positives)"
        )
    if measured.fooled:
        rows = _listed([f"{row.row} ({row.attack})" for row in measured.fooled])
        yield f"  It calls hostile answers right, made of rows {rows}; none may be"


def _advice(measured: Measured, judge: AnswerJudge) -> Iterator[str]:
    """Which rows it got wrong, and what to do."""
    yield f"Of {judge.config.labelled}, rows counted from 1:"
    yield f"  wrong, called right: {measured.places((False, 1.0))}"
    yield f"  right, called wrong: {measured.places((True, 0.0))}"
    yield f"  no verdict: {measured.places((True, None), (False, None))}"
    yield (
        "Nothing was scored by it, and its replies are kept. Name a stronger model on judge_with, "
        "mend the labels or the prompt, or take the judge away: what rules cannot judge is then "
        "dropped as cannot_judge."
    )


def _told(share: Estimate) -> str:
    count = round(share.value * share.n)
    return f"{count} of {share.n} ({share.value:.3f}, 95 %: {share.low:.3f} to {share.high:.3f})"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (", ".join(names[:SHOWN]) or "none") + more


def _share(found: Sequence[bool]) -> Estimate:
    """A share of n with Wilson's 95 % interval, which does not shrink to nothing at 0 and 1."""
    n, share = len(found), sum(found) / len(found)
    middle, around = share + Z**2 / (2 * n), Z * sqrt(share * (1 - share) / n + (Z / (2 * n)) ** 2)
    whole = 1 + Z**2 / n
    return Estimate(share, max(0.0, middle - around) / whole, (middle + around) / whole, n)
