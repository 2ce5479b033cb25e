"""What a pool has judged: how many, how fast, and why answers were wrong or could not be judged."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import state
from pipeline.errors import printable
from stages.verifiers.verdict import Request

if TYPE_CHECKING:
    from stages.verifiers.batch import Judged

VERDICTS = "verdicts.json"
MOST_REASONS = 300
OTHER_REASONS = "other reasons"
LONGEST_NAME = 40
RIGHT, WRONG, UNJUDGED = "right", "wrong", "cannot judge"


@dataclass(frozen=True)
class Kept:
    """A tally in a checkpoint. counts: verifier, outcome, reason, rows."""

    rows: int
    seconds: float
    slowest: float
    isolation: str
    without_question: int
    counts: list[tuple[str, str, str, int]]


class Tally:
    """Counts of verdicts by verifier and reason, since the pool was made or what it resumed.

    Models choose the words of some reasons, so that only the first `MOST_REASONS` are told apart.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.seconds = 0.0  # wall clock inside the pool
        self.slowest = 0.0
        self.isolation = ""  # what programs run in, once one has run
        self.without_question = 0  # under the strict policy, which then sees less
        self._counts: Counter[tuple[str, str, str]] = Counter()

    def add(self, request: Request, judged: Judged, strict: bool) -> None:
        """Count one verdict."""
        self.rows += 1
        self.without_question += strict and not request.question
        self.slowest = max(self.slowest, judged.seconds)
        verdict = judged.verdict
        place = printable(str(request.verifier))[:LONGEST_NAME], _outcome(verdict.score)
        known = (*place, verdict.reason) in self._counts or len(self._counts) < MOST_REASONS
        self._counts[(*place, verdict.reason if known else OTHER_REASONS)] += 1

    @property
    def reasons(self) -> Counter[str]:
        """Verdicts by reason, over all verifiers."""
        total: Counter[str] = Counter()
        for (_, _, reason), count in self._counts.items():
            total[reason] += count
        return total

    def summary(self) -> dict[str, Any]:
        """Rows, rows per second, the slowest row, and counts: verifier → outcome → reason → n."""
        verdicts: dict[str, dict[str, dict[str, int]]] = {}
        for (verifier, outcome, reason), count in self._counts.most_common():
            verdicts.setdefault(verifier, {}).setdefault(outcome, {})[reason] = count
        rate = self.rows / self.seconds if self.seconds else 0.0
        return {
            "rows": self.rows,
            "rows_per_second": round(rate, 1),
            "slowest_seconds": round(self.slowest, 3),
            **({"without_question": self.without_question} if self.without_question else {}),
            **({"programs_run_in": self.isolation} if self.isolation else {}),
            "verdicts": verdicts,
        }

    def keep(self, file: Path) -> None:
        """Write what was counted so far, for `resume`."""
        counts = [(*key, rows) for key, rows in self._counts.items()]
        kept = Kept(
            self.rows, self.seconds, self.slowest, self.isolation, self.without_question, counts
        )
        state.write(file, kept)

    def resume(self, file: Path) -> None:
        """Count on from what `keep` wrote, and forget what was counted since; unless it is gone."""
        if (kept := state.read(file, Kept)) is None:
            return
        self.rows, self.seconds, self.slowest = kept.rows, kept.seconds, kept.slowest
        self.isolation, self.without_question = kept.isolation, kept.without_question
        self._counts = Counter({(one, two, three): rows for one, two, three, rows in kept.counts})

    def write(self, folder: Path) -> None:
        """Write the summary to `verdicts.json` in a folder, whole at any moment."""
        text = json.dumps(self.summary(), indent=1, ensure_ascii=False)
        state.replace(folder / VERDICTS, text.encode())


def _outcome(score: float | None) -> str:
    if score is None:
        return UNJUDGED
    return RIGHT if score == 1.0 else WRONG
