"""What decontamination finds where the truth is known, and what it drops of real training sets."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
from rich.console import Console
from rich.table import Table

from benchmarks.decontamination_rows import middle, problems, shipped_rules, write_benchmarks
from benchmarks.files import OWN, Folder
from stages.hygiene.benchmarks import Benchmarks, Item, index
from stages.hygiene.contamination import Match, contaminated
from stages.hygiene.paraphrases import Paraphrases
from stages.hygiene.whole import whole
from stages.rows.schemas import PROBLEM, Row, read_rows

#: (rows, benchmark): each row of the first is in the second.
CONTAINED = (
    (("mgsm", "chinese_math/mgsm_en.tsv"), ("gsm8k", "gsm8k/test.jsonl")),
    (("math500", "math500/test.jsonl"), ("math", "math_full/test.jsonl.gz")),
)
TRAINING = {
    "GSM8K train": ("gsm8k", "gsm8k/train.jsonl", "answer"),
    "MATH train": ("math", "math_full/train_deepscaler.json.gz", "solution"),
    "AIME 1983-2023": ("aime", "aime_amc/deepscaler_aime_1983_2023_train.json.gz", "solution"),
    "Minerva": ("minerva", "aime_amc/minerva_math.jsonl", "solution"),
    "middle school": ("middle_school", "chinese_math/cn_middle_school_24.jsonl", ""),
    "knights, 3 people": ("knights_knaves", "knights_knaves/3ppl_train.parquet", ""),
    "knights, 5 people": ("knights_knaves", "knights_knaves/5ppl_train.parquet", ""),
    "LogiQA en": ("agieval", "mcq_stem/agieval_logiqa-en.jsonl", ""),
    "LogiQA zh": ("agieval", "mcq_stem/agieval_logiqa-zh.jsonl", ""),
    "AQuA": ("agieval", "mcq_stem/agieval_aqua-rat.jsonl", ""),
}
SHIPPED = shipped_rules()
RULES = {
    "as shipped": SHIPPED,
    "no boilerplate rule": replace(SHIPPED, boilerplate_items=10**9),
    "no min_words": replace(SHIPPED, min_words=0),
    "13-grams": replace(SHIPPED, ngram=13),
}
PARAPHRASES = ((0.7, 0.25), (0.6, 0.2), (0.6, 2.0))  # 2: never
REWORDINGS = "rewordings/gsm8k.jsonl"


def truth(console: Console, data: Folder) -> dict[str, Any]:
    """All sections; what the folder lacks is left out."""
    report: dict[str, Any] = {"contained": contained(data)}
    console.print(_table("known to be in it", report["contained"]))
    with tempfile.TemporaryDirectory(prefix="decontamination-") as folder:
        write_benchmarks(data, Path(folder))
        files = sorted(Path(folder).glob("*.parquet"))
        benchmarks = {file.stem: read_rows(file) for file in files}
    report["halves"] = halves(benchmarks)
    console.print(_table("middle halves of prompts, in the whole benchmark", report["halves"]))
    report["training"] = training(data, benchmarks)
    console.print(_table("rows of training sets dropped", report["training"]))
    report["paraphrases"] = paraphrases(data)
    console.print(_table("rewordings of GSM8K questions found", report["paraphrases"]))
    return report


def contained(data: Folder) -> list[dict[str, Any]]:
    """Sets that lie in others: how many rows are found, and with the item that is the same text."""
    lines = []
    for inner, outer in CONTAINED:
        rows, items = list(problems(data, *inner)), list(problems(data, *outer))
        if not rows or not items:
            continue
        matches = _matches(rows, index([("outer", [_batch(items)])], SHIPPED))
        texts = {item["id"]: whole(_prompt(item)) for item in items}
        own = sum(texts[match.item.id] == whole(_prompt(rows[match.row])) for match in matches)
        by_whole = sum(match.shared == 0 for match in matches)
        names = {"rows": inner[1], "benchmark": outer[1], "of": len(rows)}
        lines.append({**names, "found": len(matches), "own item": own, "as whole texts": by_whole})
    return lines


def halves(benchmarks: dict[str, list[Row]]) -> list[dict[str, Any]]:
    """How many items are found by the middle half of their prompt alone."""
    ours = index(((name, [_batch(rows)]) for name, rows in benchmarks.items()), SHIPPED)
    lines = []
    for name, rows in benchmarks.items():
        cut = [_asked(row["id"], middle(_prompt(row))) for row in rows]
        facts = {"benchmark": name, "of": len(rows), "found": len(_matches(cut, ours))}
        contents = ours.contents[name]
        facts |= {"boilerplate n-grams": contents.boilerplate, "whole only": contents.whole_only}
        lines.append(facts)
    return lines


def training(data: Folder, benchmarks: dict[str, list[Row]]) -> list[dict[str, Any]]:
    """What each training set loses, under the shipped rules and others."""
    sets = {name: list(problems(data, *where)) for name, where in TRAINING.items()}
    lines = {name: {"set": name, "rows": len(rows)} for name, rows in sets.items() if rows}
    for way, rules in RULES.items():
        ours = index(((name, [_batch(rows)]) for name, rows in benchmarks.items()), rules)
        for name, line in lines.items():
            matches = _matches(sets[name], ours)
            line[way] = len(matches)
            if rules == SHIPPED:
                line["1 or 2 shared"] = sum(0 < match.shared <= 2 for match in matches)
    asked = {name: [_asked(r["id"], _prompt(r)) for r in rows] for name, rows in benchmarks.items()}
    ours = index(((name, [_batch(rows)]) for name, rows in asked.items()), SHIPPED)
    for name, line in lines.items():
        questions = [_asked(row["id"], _prompt(row)) for row in sets[name]]
        line["questions only"] = len(_matches(questions, ours))
    return list(lines.values())


def paraphrases(data: Folder) -> list[dict[str, Any]]:
    """Rewordings found, with the right item, and training questions taken for one."""
    items = [_prompt(row) for row in problems(data, "gsm8k", "gsm8k/test.jsonl")]
    others = [_prompt(row) for row in problems(data, "gsm8k", "gsm8k/train.jsonl")]
    said = Folder(OWN).rows(REWORDINGS)
    said = [row for row in said if row["row"] <= len(items)]
    names = [Item("gsm8k", str(number)) for number in range(1, len(items) + 1)]
    lines = []
    for alike, same_numbers in PARAPHRASES:
        search = Paraphrases(names, items, alike, same_numbers)
        line: dict[str, Any] = {"cosine": alike, "with the same numbers": same_numbers}
        for kind in ("reworded", "renamed"):
            rows = [row for row in said if row["kind"] == kind]
            found = search.of([row["text"] for row in rows])
            right = sum(one.item.id == str(rows[one.row]["row"]) for one in found)
            line |= {kind: f"{right} of {len(rows)}"}
        line["training questions"] = f"{len(search.of(others))} of {len(others)}"
        lines.append(line)
    return lines


def _matches(rows: Sequence[Row], benchmarks: Benchmarks) -> list[Match]:
    return contaminated(_batch(rows), benchmarks)


def _batch(rows: Sequence[Row]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(list(rows), PROBLEM)


def _prompt(row: Row) -> str:
    return str(row["prompt"][0]["content"])


def _asked(id_: str, text: str) -> Row:
    return {"id": id_, "prompt": [{"role": "user", "content": text}], "metadata": "{}"}


def _table(title: str, lines: Iterable[dict[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left")
    lines = list(lines)
    for name in lines[0] if lines else ():
        table.add_column(name)
    for line in lines:
        table.add_row(*(str(value) for value in line.values()))
    return table
