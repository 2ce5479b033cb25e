"""Rows like those of a public mix: real ones, each time with other digits, so that none is known.

Mathematics (two languages), multiple choice, instructions and a few programs, in shares near those
of an RL mix. A digit of a question and of its reference becomes another, the same for both; in a
program a comment is put, so that it runs anew.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

from benchmarks.files import Folder
from stages.rows.schemas import PROBLEM, Row, write_rows

INSTRUCTION = "instruction"
#: Of a thousand rows, by verifier.
SHARES = {"math": 600, "choice": 250, "instruction": 140, "code": 10}
#: Verifier → readers and files: those of a folder of data sets, or of tests/data.
SETS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "math": (
        ("math", ("math_full/train_deepscaler.json.gz", "math/train_deepscaler.json")),
        ("gsm8k", ("gsm8k/train.jsonl", "gsm8k/test.jsonl")),
        ("cmath", ("chinese_math/cmath_dev.jsonl", "cmath/cmath_dev.jsonl")),
    ),
    "choice": (
        ("mmlu_stem", ("mcq_stem/mmlu_stem.jsonl.gz", "mmlu_stem/test.jsonl")),
        ("agieval", ("mcq_stem/agieval_aqua-rat.jsonl", "agieval/aqua-rat.jsonl")),
        ("agieval", ("mcq_stem/agieval_logiqa-zh.jsonl", "agieval/logiqa-zh.jsonl")),
    ),
    "instruction": (("ifeval", ("ifeval/input_data.jsonl",)),),
    "code": (("mbpp", ("mbpp/mbpp.jsonl", "mbpp/sample.jsonl")),),
}
SPLITS = {"math": "train"}


def write_open_rows(data: Folder, path: Path, count: int) -> dict[str, int]:
    """`count` rows in one file, verifiers mixed; how many of each."""
    found = {verifier: list(_real(data, verifier)) for verifier in SHARES}
    rng = random.Random(0)
    verifiers = [name for name, share in SHARES.items() for _ in range(count * share // 1000)]
    verifiers += ["math"] * (count - len(verifiers))
    rng.shuffle(verifiers)
    rows = (_varied(rng, rng.choice(found[name]), n) for n, name in enumerate(verifiers))
    write_rows(path, rows, PROBLEM)
    return {name: verifiers.count(name) for name in SHARES}


def _real(data: Folder, verifier: str) -> Iterator[Row]:
    for format_, files in SETS[verifier]:
        rows = data.problems(format_, *files, split=SPLITS.get(format_, "test"))
        asked = [row for row in rows if row["verifier"] == verifier]
        yield from (row for row in asked if row["reference"] or verifier == INSTRUCTION)


def _varied(rng: random.Random, row: Row, number: int) -> Row:
    digits = str.maketrans("0123456789", "".join(rng.choices("123456789", k=10)))
    (asked,) = row["prompt"]
    row = row | {"id": f"row-{number:06d}"}
    if row["verifier"] == "math":
        row["reference"] = row["reference"].translate(digits)
        row["metadata"] = "{}"
    elif row["verifier"] == "code":
        row["reference"] = f"# {number}\n{row['reference']}"
    elif row["verifier"] == INSTRUCTION:  # its digits are its constraints
        row["metadata"] = json.dumps(json.loads(row["metadata"]) | {"key": number})
        return row | {"prompt": [asked | {"content": f"{asked['content']}\n({number})"}]}
    return row | {"prompt": [asked | {"content": asked["content"].translate(digits)}]}
