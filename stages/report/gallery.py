"""Ten completions of a stage that show what it does: right, wrong, hacked, mixed.

Which of each sort are shown is drawn by the seed, as in samples.py, and never by their beauty; how
many of each sort were among those looked at is told beside them. *Hacked* is what a reward pays for
and nobody wants: a right answer whose thought is padding (rewards/padding.py), or a wrong one that
a reward model puts above every right one to the same problem, of general tasks, where the policy is
paid by it. *Mixed* thoughts mix languages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq  # type: ignore[import-untyped]

from stages.language.consistency import mixes_languages, target_of
from stages.report.names import GENERAL
from stages.report.samples import COLUMNS, Sample, question, ranked, read
from stages.rewards.padding import is_padding
from stages.scoring.measures import group_of

RIGHT, WRONG, HACKED, MIXED, OPEN = "right", "wrong", "hacked", "mixed", "cannot be judged"
SORTS = (RIGHT, WRONG, HACKED, MIXED)
REWARD = "reward_"  # how the column of a reward model begins
PADDED = "the thought is empty, repeats itself or the prompt"

Best = Mapping[tuple[str, str], float]  # reward model, problem → its highest score of a right one


@dataclass(frozen=True)
class Shown:
    """A completion, its sort, and why it is of that sort where its verdict does not say so."""

    sample: Sample
    sort: str
    why: str = ""


@dataclass(frozen=True)
class Gallery:
    """The completions, and how many of each sort were among the `looked_at` drawn."""

    shown: Sequence[Shown]
    counts: Mapping[str, int]
    looked_at: int


def gallery(path: Path, shown: Mapping[str, Any]) -> Gallery:
    """From a Parquet file of judged completions.

    shown: `sorts`, how many of each; where one has fewer, right and wrong ones take their places.
    `reward`: the reward model that can be hacked, `looked_at`: how many are drawn by `seed`.
    """
    wanted: Mapping[str, int] = shown["sorts"]
    rewards = [name for name in pq.read_schema(path).names if name == f"{REWARD}{shown['reward']}"]
    best = _best(path, rewards)
    drawn = ranked(path, shown["seed"])[: shown["looked_at"]]
    columns = [*COLUMNS, "reasoning", *rewards]
    rows = dict(zip(sorted(drawn), read(path, sorted(drawn), columns), strict=True))
    sorted_out = [Shown(rows[row], *_sort(rows[row], best)) for row in drawn]
    seen = Counter(shown.sort for shown in sorted_out)
    counts = {sort: seen[sort] for sort in (*SORTS, OPEN) if seen[sort]}
    return Gallery(list(_choose(sorted_out, wanted)), counts, len(drawn))


def _choose(found: Sequence[Shown], wanted: Mapping[str, int]) -> Iterator[Shown]:
    """As many of each sort as wanted, then others in their order until there are as many."""
    chosen = {sort: [s for s in found if s.sort == sort][: wanted[sort]] for sort in SORTS}
    taken = {id(shown) for shown_ones in chosen.values() for shown in shown_ones}
    rest = [s for s in found if id(s) not in taken and s.sort in (RIGHT, WRONG)]
    missing = sum(wanted.values()) - len(taken)
    yield from sorted(
        [*(s for sort in SORTS for s in chosen[sort]), *rest[:missing]],
        key=lambda shown: SORTS.index(shown.sort),
    )


def _sort(sample: Sample, best: Best) -> tuple[str, str]:
    if sample.get("score") is None:
        return OPEN, ""
    if why := _hacked(sample, best):
        return HACKED, why
    if mixes_languages(sample.get("reasoning") or "", target_of(sample)):
        return MIXED, ""
    return (RIGHT if sample["score"] >= 1 else WRONG), ""


def _hacked(sample: Sample, best: Best) -> str:
    if sample["score"] >= 1:
        thought = sample.get("reasoning")
        return PADDED if thought is not None and is_padding(thought, question(sample)) else ""
    if group_of(sample["domain"]) != GENERAL:
        return ""
    for name in sample:
        bar = best.get((name, sample["id"]))
        if bar is not None and sample[name] is not None and sample[name] > bar:
            model = name.removeprefix(REWARD)
            return f"the {model} reward is above that of every right answer to the same problem"
    return ""


def _best(path: Path, rewards: Sequence[str]) -> Best:
    """What reward models give the right answers to each problem at most."""
    found: dict[tuple[str, str], float] = {}
    if not rewards:
        return found
    for row in pq.read_table(path, columns=["id", "score", *rewards]).to_pylist():
        for name in rewards:
            if row[name] is not None and (row["score"] or 0) >= 1:
                key = (name, row["id"])
                found[key] = max(row[name], found.get(key, row[name]))
    return found


def complete(path: Path) -> bool:
    """Whether a file has the columns that a gallery is made from."""
    wanted = {"id", "prompt", "completion", "score"}
    return path.is_file() and wanted <= {*pq.read_schema(path).names}
