"""What the report says of seeds: each beside the whole, what is missing, how many are needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stages.report import tables
from stages.report.names import ACCURACY, GENERAL, HEADLINE

Facts = Mapping[str, Any]
_ROWS = {HEADLINE: "reasoning", f"{GENERAL}/{ACCURACY}": "general"}


def headline(facts: Facts) -> list[str]:
    """Which seeds, and what one of them lacks; nothing of one seed."""
    if not facts["by_seed"]:
        return []
    seeds = [str(seed) for seed in facts["seeds"]]
    lines = [f"Over {len(seeds)} trainings of the same recipe, seeds {_and(seeds)}."]
    lines += [
        f"**Seed {seed} lacks {', '.join(names)}**: failed or not run. What it has counts; where "
        "it lacks something, the other seeds are judged."
        for seed, names in facts["absent"].items()
    ]
    return lines


def section(facts: Facts, shown: Mapping[str, Any]) -> str:
    """A table of accuracies and one of verdicts, a column for each seed."""
    if not facts["by_seed"]:
        return _of_one(facts)
    stages = [*shown["stages"], *shown["controls"]]
    stages += [one for group in shown["students"] for one in (group["base"], *group["trained"])]
    parts = [_accuracies(facts, dict.fromkeys(stages)), _verdicts(facts), _how(facts)]
    return "\n\n".join(part for part in parts if part)


def intervals(facts: Facts) -> str:
    """What the intervals of this report are over."""
    if not facts["by_seed"]:
        return (
            "Intervals come from resampling problems (or blocks of RL steps) of one run with one "
            "seed. How much another seed of training would move a result is not in them."
        )
    wide = " Of two seeds they are wider than they need be." if len(facts["seeds"]) == 2 else ""
    return (
        "Intervals are over problems and seeds: problems are resampled, and the spread between "
        "seeds enters by Student's t (pipeline/over_seeds.py). Seeds share the bases and the "
        "problems, trained on and held out: what others of these would change is not in them."
        f"{wide}"
    )


def brackets(facts: Facts) -> str:
    """What brackets of the tables hold."""
    units = "problems and seeds" if facts["by_seed"] else "problems"
    return f"Brackets: 95 % bootstrap interval over {units}."


def heads(facts: Facts) -> list[str]:
    """The columns that several seeds add to the table of checks."""
    return ["of each seed", "seeds needed"] if facts["by_seed"] else []


def cells(check: Mapping[str, Any], facts: Facts) -> list[str]:
    """A check's difference for each seed, and how few seeds would decide it."""
    if not facts["by_seed"]:
        return []
    own = [check["by_seed"].get(str(seed)) for seed in facts["seeds"]]
    values = [tables.NONE if value is None else f"{value:+.3f}" for value in own]
    return [" ".join(values), _needed(check["seeds_needed"])]


def _of_one(facts: Facts) -> str:
    return (
        f"All this is of one seed, {facts['seeds'][0]}. Its intervals say what other problems "
        "would have shown, and not what another training would: what one seed reproduces, another "
        "may not. `make reproduce SEEDS=3` (`r1 run seeds=[0,1,2]`) trains for more seeds, takes "
        "what is there of each as it is, and judges the claims over all of them."
    )


def _accuracies(facts: Facts, stages: Mapping[str, None]) -> str:
    rows = []
    for stage in stages:
        for key, group in _ROWS.items():
            entry = facts["stages"].get(stage, {}).get(key)
            if not entry or entry["value"] is None:
                continue
            own = [tables.number(entry["by_seed"].get(str(seed))) for seed in facts["seeds"]]
            whole = [tables.cell({key: entry}, key), tables.number(entry["spread"])]
            rows.append([f"{stage}, {group}", *own, *whole])
    head = ["pass@1, per cent", *_heads(facts), "mean [95 %]", "standard deviation"]
    return tables.table(head, rows) if rows else ""


def _verdicts(facts: Facts) -> str:
    own = [found["claims"] for found in facts["by_seed"].values()]
    rows = [
        [
            f"{claim['id']}. {claim['statement']}",
            *(claims[number]["verdict"] for claims in own),
            f"**{claim['verdict']}**",
            _needed(claim["seeds_needed"]),
        ]
        for number, claim in enumerate(facts["claims"])
    ]
    return tables.table(["claim", *_heads(facts), "all", "seeds needed"], rows) if rows else ""


def _how(facts: Facts) -> str:
    return (
        "A seed's own verdict is over its problems alone. Seeds needed: how few would put the "
        "interval on one side, if value and spread are what they look like here; – where no "
        "reasonable number would, as the value lies too close to the margin for so few problems, "
        "or where one seed alone was measured. Samples are of seed "
        f"{facts['seeds'][0]}, or of the first that has the stage."
    )


def _heads(facts: Facts) -> list[str]:
    return [f"seed {seed}" for seed in facts["seeds"]]


def _needed(count: int | None) -> str:
    return tables.NONE if count is None else str(count)


def _and(words: Sequence[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
