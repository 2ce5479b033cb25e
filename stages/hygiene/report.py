"""What was dropped, why and beside what: hygiene.json for programs, hygiene.md for people."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from stages.hygiene.benchmarks import Benchmarks
from stages.hygiene.contamination import WHOLE
from stages.hygiene.row_files import Name
from stages.hygiene.sweep import CONTAMINATED, REASONS, Drop
from stages.rows.schemas import Row

DROPPED = pa.schema(
    [
        ("id", pa.string()),
        ("input", pa.string()),  # the stage that the row came from
        ("reason", pa.string()),
        ("matched", pa.string()),  # a benchmark, or the input that holds the earlier row
        ("matched_id", pa.string()),
        ("ngrams", pa.int64()),  # shared; 0: the whole text; null: no contamination
        ("words", pa.string()),  # the first shared n-gram, or the text
        ("similarity", pa.float64()),  # Jaccard of a near duplicate, cosine of a paraphrase
        ("also", pa.list_(pa.string())),  # other benchmarks that share an n-gram
    ]
)
EXAMPLES = 5  # of each reason, in the report
LONGEST = 240  # characters of a text in the report


def listed(drops: Mapping[int, Drop], names: Mapping[int, Name]) -> list[Row]:
    """One line for each dropped row, in the order of the rows."""
    return [_line(drops[number], number, names) for number in sorted(drops)]


def _line(drop: Drop, number: int, names: Mapping[int, Name]) -> Row:
    stage, id_ = names[number]
    line: Row = {"input": stage, "id": id_, "reason": drop.reason, "similarity": drop.similarity}
    if drop.other is not None:
        line["matched"], line["matched_id"] = names[drop.other]
    found = drop.match or drop.likeness
    if found:
        line |= {"matched": found.item.benchmark, "matched_id": found.item.id}
    if drop.match:
        line |= {"ngrams": drop.match.shared, "words": drop.match.words}
        line["also"] = list(drop.match.also)
    return line


def funnel(
    kept: int, dropped: Sequence[Row], benchmarks: Benchmarks, over_cap: int | None = None
) -> dict[str, int]:
    """Rows dropped by reason, contaminated ones by the benchmark that they share most with.

    over_cap: good rows that were not asked for; null: none could be.
    """
    counts = Counter(line["reason"] for line in dropped)
    by_benchmark = Counter(line["matched"] for line in dropped if line["reason"] == CONTAMINATED)
    steps = {"read": kept + len(dropped) + (over_cap or 0)}
    for reason in REASONS:
        if reason == CONTAMINATED:
            steps |= {f"{reason}/{name}": by_benchmark[name] for name in benchmarks.contents}
        else:
            steps[reason] = counts[reason]
    if over_cap is not None:
        steps["over_cap"] = over_cap
    return steps | {"kept": kept}


def names(lines: Iterable[Row]) -> set[Name]:
    """The rows that lines are about, and what these matched."""
    return {name for line in lines for name in _both(line)}


def _both(line: Row) -> tuple[Name, Name]:
    return (line["input"], line["id"]), (line["matched"], line["matched_id"])


def write(
    folder: Path,
    steps: Mapping[str, int],
    dropped: Sequence[Row],
    texts: Mapping[Name, str],
    benchmarks: Benchmarks,
    settings: Mapping[str, Any],
) -> None:
    """Both reports. texts: the prompts of the examples, by name."""
    contents = {name: asdict(facts) for name, facts in benchmarks.contents.items()}
    shared = Counter(
        name
        for line in dropped
        if line["reason"] == CONTAMINATED
        for name in [line["matched"], *line["also"]]
    )
    for name, facts in contents.items():
        facts["rows_dropped"] = shared[name]
    facts = {
        "settings": dict(settings),
        "funnel": dict(steps),
        "benchmarks": contents,
        "examples": [_example(line, texts) for line in examples(dropped)],
    }
    (folder / "hygiene.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    (folder / "hygiene.md").write_text("\n".join(_pages(facts)) + "\n")


def examples(dropped: Sequence[Row]) -> list[Row]:
    """A few lines of each reason and benchmark: those that share most first, one that shares least.

    The first are leaks; the last shows what the rule takes at its narrowest.
    """
    kinds: dict[tuple[str, str], list[Row]] = {}
    for line in dropped:
        kinds.setdefault((line["reason"], line["matched"]), []).append(line)
    chosen = []
    for lines in kinds.values():
        ranked = sorted(lines, key=_strength, reverse=True)
        chosen += ranked if len(ranked) <= EXAMPLES else [*ranked[: EXAMPLES - 1], ranked[-1]]
    return chosen


def _strength(line: Row) -> tuple[bool, int, float]:
    """A whole text before many n-grams before few; then by similarity."""
    return line.get("ngrams") == WHOLE, line.get("ngrams") or 0, line["similarity"] or 1.0


def _example(line: Row, texts: Mapping[Name, str]) -> Row:
    row, matched = _both(line)
    return line | {"text": texts.get(row, ""), "matched_text": texts.get(matched, "")}


def _pages(facts: Mapping[str, Any]) -> Iterable[str]:
    yield "# Data hygiene\n"
    yield "| rows | |\n|---|---:|"
    yield from (
        f"| {name.replace('_', ' ')} | {count} |" for name, count in facts["funnel"].items()
    )
    yield "\nA row counts at the first reason. Settings: " + ", ".join(
        f"{name} {value}" for name, value in facts["settings"].items()
    )
    yield "\n## Benchmarks\n"
    yield (
        "| benchmark | items | n-grams | left out as boilerplate | found as whole texts only "
        "| rows that share |\n|---|---:|---:|---:|---:|---:|"
    )
    for name, one in facts["benchmarks"].items():
        numbers = ("items", "ngrams", "boilerplate", "whole_only", "rows_dropped")
        yield f"| {name} | " + " | ".join(str(one[number]) for number in numbers) + " |"
    yield "\n## Examples"
    for line in facts["examples"]:
        yield from _shown(line)


def _shown(line: Row) -> Iterable[str]:
    yield f"\n**{line['reason'].replace('_', ' ')}**: {line['input']} `{line['id']}`, "
    yield f"as {line['matched']} `{line['matched_id']}`{_how(line)}\n"
    yield f"> {_short(line['text'])}\n"
    yield f"> {_short(line['matched_text'])}"


def _how(line: Row) -> str:
    if line.get("ngrams"):
        return f": {line['ngrams']} shared, the first “{_short(line['words'])}”"
    if line.get("similarity") is not None:
        return f": similarity {line['similarity']:.2f}"
    return ": the same text"


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= LONGEST else flat[: LONGEST - 1] + "…"
