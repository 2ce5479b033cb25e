"""Rows for the reward models: pairs for helpfulness, labels for safety.

Paper (3.2.2 and supplement): 66,000 pairs, each judged four times by DeepSeek-V3 with the two
responses in random positions, kept when the mean difference exceeds 1, with lengths balanced so
that the reward model does not learn to like long answers; 106,000 prompts with responses labelled
safe or unsafe. Here the judge is the tiny world's, as flawed as judges are (stages/tiny/judge.py),
or a file of judgements:

    pairs    {"prompt": …, "first": "…", "second": "…", "votes": [2.0, 1.5, …]}   first − second
    labels   {"prompt": …, "completion": "…", "label": 1}                         1 safe, 0 unsafe
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from random import Random
from statistics import fmean

from pipeline.artifact import Inputs
from pipeline.context import Context
from pipeline.errors import RecipeError
from pipeline.kinds import Outputs
from stages.configs import PreferencesConfig
from stages.data.formats import messages_of, text_of
from stages.data.rows import LABEL, PREFERENCE, Row, write_rows
from stages.data.sources import BadRow, Raw, read_own_rows
from stages.tiny import judge
from stages.tiny.phrases import LANGUAGES
from stages.tiny.problems import tasks

TRIES = 20  # pairs judged for each one kept, at most


@dataclass(frozen=True)
class Judged:
    """Two responses to a prompt and the judge's votes, as differences first − second."""

    prompt: list[dict[str, str]]
    first: str
    second: str
    votes: list[float]
    source: str


def run(config: PreferencesConfig, inputs: Inputs, context: Context) -> Outputs:
    """Publish pairs with a clear preference, as many with the longer as with the shorter chosen."""
    if config.path:
        judged: Iterable[Judged] = read_own_rows(
            Path(config.path), f"stages.{context.stage}.path", _judged_row
        )
    else:
        judged = islice(_tiny_pairs(config, context.seed), TRIES * config.rows)
    dropped: Counter[str] = Counter(judged=0, within_margin=0, unbalanced_length=0, surplus=0)
    rows = _balanced(_preferred(judged, config.margin, dropped), config.rows, dropped)
    if not rows:
        raise RecipeError(f"stages.{context.stage}: no pair was kept of {dict(dropped)}")
    for number, row in enumerate(rows):
        row["id"] = f"pair-{number:06d}"
    write_rows(context.output / "rows.parquet", rows, PREFERENCE)
    longer = sum(len(row["chosen"]) > len(row["rejected"]) for row in rows)
    shorter = sum(len(row["chosen"]) < len(row["rejected"]) for row in rows)
    facts = {
        "rows": len(rows),
        "mean_margin": fmean(row["margin"] for row in rows),
        "chosen_longer": longer,
        "chosen_shorter": shorter,
    }
    return Outputs(facts, {**dropped, "kept": len(rows)})


def run_labels(config: PreferencesConfig, inputs: Inputs, context: Context) -> Outputs:
    """Publish responses, thoughts included, with 1 for safe and 0 for unsafe."""
    if config.path:
        rows = list(read_own_rows(Path(config.path), f"stages.{context.stage}.path", _label_row))
    else:
        rows = list(islice(_tiny_labels(context.seed), config.rows))
    labels = Counter(row["label"] for row in rows)
    if len(labels) < 2:
        raise RecipeError(
            f"stages.{context.stage}: {len(rows)} rows with labels {dict(labels)}; a safety reward "
            "model needs safe (1) and unsafe (0) ones"
        )
    write_rows(context.output / "rows.parquet", rows, LABEL)
    distinct = len({(row["prompt"][-1]["content"], row["completion"]) for row in rows})
    facts = {"rows": len(rows), "distinct": distinct, "safe": labels[1], "unsafe": labels[0]}
    return Outputs(facts, {"judged": len(rows), "kept": len(rows)})


def _preferred(judged: Iterable[Judged], margin: float, dropped: Counter[str]) -> Iterator[Row]:
    """The pairs whose mean vote exceeds the margin, with the better response as chosen."""
    for pair in judged:
        dropped["judged"] += 1
        difference = fmean(pair.votes)
        if abs(difference) <= margin:
            dropped["within_margin"] += 1
            continue
        chosen, rejected = (pair.first, pair.second)[:: 1 if difference > 0 else -1]
        yield {
            "prompt": pair.prompt,
            "chosen": chosen,
            "rejected": rejected,
            "margin": abs(difference),
            "source": pair.source,
        }


def _balanced(pairs: Iterable[Row], count: int, dropped: Counter[str]) -> list[Row]:
    """Up to `count` pairs, in equal numbers with the longer and with the shorter one chosen.

    Pairs of equal length teach nothing about length and fill what is left.
    """
    half = count // 2
    bins: dict[int, list[Row]] = {1: [], -1: [], 0: []}
    for row in pairs:
        side = (len(row["chosen"]) > len(row["rejected"])) - (
            len(row["chosen"]) < len(row["rejected"])
        )
        if len(bins[side]) < (half if side else count):
            bins[side].append(row)
        else:
            dropped["unbalanced_length"] += 1
        if len(bins[1]) == len(bins[-1]) == half:
            break
    equal = min(len(bins[1]), len(bins[-1]))
    dropped["unbalanced_length"] += len(bins[1]) + len(bins[-1]) - 2 * equal
    neutral = bins[0][: count - 2 * equal]
    dropped["surplus"] += len(bins[0]) - len(neutral)
    return [*bins[1][:equal], *bins[-1][:equal], *neutral]


def _tiny_pairs(config: PreferencesConfig, seed: int) -> Iterator[Judged]:
    """An endless stream of general problems, two candidate replies each, and the votes on them."""
    rng = Random(f"{seed}:preferences")
    for number, (task, language) in enumerate(
        zip(tasks("general", seed, "train"), cycle(LANGUAGES))
    ):
        problem = task.row(number, language)
        first, second = judge.candidates(problem, rng)
        scores = [judge.helpfulness(problem, reply, config.judge) for reply in (first, second)]
        difference = scores[0] - scores[1]
        votes = [_vote(difference, config.judge_noise, rng) for _ in range(config.votes)]
        yield Judged(problem["prompt"], first, second, votes, "tiny")


def _vote(difference: float, noise: float, rng: Random) -> float:
    """One vote: noisy, and leaning towards what it reads first, which random positions even out."""
    read_first = rng.choice((1, -1))
    return difference + noise * read_first + rng.gauss(0, noise)


def _tiny_labels(seed: int) -> Iterator[Row]:
    """Responses to requests for harm and to harmless ones in turn."""
    rng = Random(f"{seed}:labels")
    stream = list(islice(tasks("general", seed, "train"), 4000))
    harmful = cycle([task for task in stream if task.topic == "harm"])
    harmless = cycle([task for task in stream if task.topic != "harm"])
    turns = cycle((language, kind) for language in LANGUAGES for kind in (harmful, harmless))
    for number, (language, kind) in enumerate(turns):
        problem = next(kind).row(number, language)
        completion = judge.safety_candidates(problem, rng)
        yield {
            "id": f"label-{number:06d}",
            "prompt": problem["prompt"],
            "completion": completion,
            "label": int(judge.is_safe(problem, completion)),
            "source": "tiny",
        }


def _judged_row(number: int, row: Raw) -> Judged:
    votes = row.get("votes")
    numbers = isinstance(votes, list) and all(isinstance(vote, int | float) for vote in votes)
    if not votes or not numbers:
        raise BadRow(f"column `votes` is {votes!r}, expected a list of numbers (first − second)")
    texts = (text_of(row, "first"), text_of(row, "second"))
    return Judged(messages_of(row, "prompt"), *texts, [float(v) for v in votes], "file")


def _label_row(number: int, row: Raw) -> Row:
    if row.get("label") not in (0, 1):
        raise BadRow(f"column `label` is {row.get('label')!r}, expected 1 (safe) or 0 (unsafe)")
    return {
        "id": str(row.get("id") or f"label-{number:06d}"),
        "prompt": messages_of(row, "prompt"),
        "completion": text_of(row, "completion"),
        "label": int(row["label"]),
        "source": "file",
    }
