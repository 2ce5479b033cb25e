"""How many rows of a source were refused, and when that is too many.

A few bad references of a large set are dropped. Many say that the set, or what reads it, is at
fault, and then the rows that pass deserve no trust either. So does one answer that is right nearly
everywhere: it can be said without reading a question. And where ten answers of mathematics cover
nearly all of many rows, they are the numbers of options whose texts were lost.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stages.proving.outcome import MATHS, REFUSED, Outcome

if TYPE_CHECKING:
    from stages.rows.schemas import Row

SHOWN = 3  # refusals that a message has
FEWEST = 20  # rows of which the commonest answer says something
SPELT = 200  # different references that are kept to be shown
LABELS, FEWEST_LABELLED = 10, 100  # options of a question, rows of which so many answers do

Name = tuple[str, str]  # of a source: the stage that it comes from, what its rows say


@dataclass
class Source:
    """The rows of one source that were asked to prove themselves, and what became of them."""

    rows: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    first: list[str] = field(default_factory=list)
    maths: int = 0  # of the rows below
    answers: Counter[bytes] = field(default_factory=Counter)
    examples: dict[bytes, str] = field(default_factory=dict)

    def add(self, row: Row, outcome: Outcome) -> None:
        """One more row."""
        self.rows += 1
        self.reasons[outcome.reason] += 1
        if outcome.reason in REFUSED:
            if len(self.first) < SHOWN:
                detail = f": {outcome.detail}" if outcome.detail else ""
                self.first.append(f"{row['id']}  {outcome.reason}{detail}")
        elif row["reference"]:
            key = hashlib.blake2b(row["reference"].encode(), digest_size=8).digest()
            self.answers[key] += 1
            self.maths += row["verifier"] == MATHS
            if len(self.examples) < SPELT:
                self.examples[key] = row["reference"]

    @property
    def refused(self) -> int:
        return sum(self.reasons[reason] for reason in REFUSED)

    def facts(self) -> dict[str, Any]:
        """For the manifest: what a gate reads, and people."""
        total = sum(self.answers.values())
        shown = LABELS if self.maths == total >= FEWEST_LABELLED else 1
        common = self.answers.most_common(shown)
        texts = [self.examples.get(key, "…")[:20] for key, _ in common]
        return {
            "rows": self.rows,
            "refused": self.refused,
            **{reason: count for reason, count in self.reasons.items() if count},
            "first_refused": list(self.first),
            "same_answer": sum(n for _, n in common) / total if total >= FEWEST else None,
            "commonest_answers": texts,
        }


def faults(
    facts: Mapping[str, Mapping[str, Any]], max_refused: float, max_same_answer: float
) -> Iterator[tuple[str, str]]:
    """What stands against the sources, with the key that allows it."""
    for name, source in facts.items():
        share = source["refused"] / source["rows"] if source["rows"] else 0.0
        if share > max_refused:
            first = "".join(f"\n  {line}" for line in source["first_refused"])
            yield (
                "max_refused",
                f"is {max_refused:g}, and of {name} {source['refused']:,} of {source['rows']:,} "
                f"rows ({share:.1%}) do not prove themselves, the first of them:{first}\n"
                "Mend what reads them (format, columns), leave that stage out of data_from, or "
                "raise max_refused to drop such rows: what is proved is not proved again",
            )
        same = source["same_answer"]
        if same is not None and same > max_same_answer:
            yield (
                "max_same_answer",
                f"is {max_same_answer:g}, and of {name} {same:.1%} of the references are "
                f"{' or '.join(source['commonest_answers'])}: a policy would learn to say that "
                "unread. Mend what reads them (are these numbers of options?), or leave that stage "
                "out of data_from",
            )
