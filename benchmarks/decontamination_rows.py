"""The rows that benchmarks/decontamination.py sends through: benchmarks as they are, training rows
made from real ones."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from omegaconf import OmegaConf

from benchmarks.files import BBH, ROOT, Folder
from pipeline.sections import keep_sources
from stages.hygiene.benchmarks import Rules
from stages.rows.schemas import CONVERSATION, PROBLEM, Row, write_rows

AT_ONCE = 20_000
PLANTED_EVERY = 100
SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。？！])")


class Set(NamedTuple):
    """A benchmark: its name, the reader of its rows, its files; the column of its solutions."""

    name: str
    format: str
    files: tuple[str, ...]
    solution: str = ""


SETS = (
    Set("gsm8k", "gsm8k", ("gsm8k/test.jsonl",), "answer"),
    Set("math500", "math500", ("math500/test.jsonl",), "solution"),
    Set("aime2024", "aime", ("aime_amc/aime24.jsonl",), "reference_solution"),
    Set("amc", "amc", ("aime_amc/amc23.jsonl",)),
    Set("mgsm", "mgsm", ("chinese_math/mgsm_en.tsv", "chinese_math/mgsm_zh.tsv")),
    Set("cmath", "cmath", ("chinese_math/cmath_dev.jsonl",)),
    Set(
        "olymmath",
        "olymmath",
        ("olymmath_zh_en/OlymMATH-EN-EASY.jsonl", "olymmath_zh_en/OlymMATH-ZH-EASY.jsonl"),
    ),
    Set("mmlu_stem", "mmlu_stem", ("mcq_stem/mmlu_stem.jsonl.gz",)),
    Set("humaneval", "humaneval", ("humaneval/HumanEval.jsonl.gz",)),
    Set("mbpp", "mbpp", ("mbpp/mbpp.jsonl",)),
    Set("ifeval", "ifeval", ("ifeval/input_data.jsonl",)),
    Set("knights_knaves", "knights_knaves", ("knights_knaves/3ppl_test.parquet",)),
    Set("arc_agi_1", "arc_agi_1", ("arc_agi_1/training.json",)),
)
#: What training rows are made of: file → the columns whose text is taken.
TRAINING = {
    "gsm8k/train.jsonl": ("question", "answer"),
    "math_full/train_deepscaler.json.gz": ("problem",),
    "aime_amc/deepscaler_aime_1983_2023_train.json.gz": ("problem", "solution"),
    "aime_amc/minerva_math.jsonl": ("problem", "solution"),
    "chinese_math/cn_middle_school_24.jsonl": ("question",),
    "mcq_stem/agieval_logiqa-en.jsonl": ("passage",),
    "mcq_stem/agieval_logiqa-zh.jsonl": ("passage",),
    "instruct_small/instruction-data.json": ("instruction", "output"),
}


def shipped() -> dict[str, Any]:
    """The numbers of conf/stage/_clean.yaml."""
    numbers: Any = OmegaConf.to_container(OmegaConf.load(ROOT / "conf/stage/_clean.yaml"))
    keep_sources({"numbers": numbers})
    return dict(numbers)


def shipped_rules() -> Rules:
    numbers = shipped()
    return Rules(numbers["ngram"], numbers["min_words"], numbers["boilerplate_items"])


def write_benchmarks(data: Folder, folder: Path) -> dict[str, int]:
    """One Parquet file of problems for each benchmark of the folder, and how many items it has."""
    sizes = {}
    for one in [*SETS, *(Set(f"bbh_{task}", "bbh", (f"bbh/{task}.json",)) for task in BBH)]:
        rows = [r for f in one.files for r in problems(data, one.format, f, one.solution)]
        if rows:
            sizes[one.name] = write_rows(folder / f"{one.name}.parquet", rows, PROBLEM)
    return sizes


def problems(data: Folder, format_: str, file: str, solution: str = "") -> Iterator[Row]:
    """The problems of a file, with the column `solution` of the raw rows in their metadata."""
    raw = data.rows(file) if solution else []
    for problem in data.problems(format_, file):
        row = raw[int(problem["id"].rpartition("-")[2]) - 1] if raw else {}
        if row.get(solution):
            metadata = json.loads(problem["metadata"]) | {"solution": row[solution]}
            problem["metadata"] = json.dumps(metadata, ensure_ascii=False)
        yield problem


def write_training_rows(data: Folder, benchmarks: Path, path: Path, count: int) -> dict[str, Any]:
    """`count` conversations in one Parquet file: their characters, and which hold an item."""
    rng = random.Random(0)
    sentences = _sentences(data)
    items = [text for file in sorted(benchmarks.glob("*.parquet")) for text in _prompts(file)]
    facts: dict[str, Any] = Counter()
    planted = []
    with pq.ParquetWriter(path, CONVERSATION) as writer:
        for start in range(0, count, AT_ONCE):
            rows = []
            for number in range(start, min(start + AT_ONCE, count)):
                row = _made(rng, sentences, number)
                if number % PLANTED_EVERY == 0:
                    row["prompt"][0]["content"] += "\n" + middle(rng.choice(items))
                    planted.append(number)
                facts["characters"] += len(row["prompt"][0]["content"]) + len(row["completion"])
                rows.append(row)
            writer.write_table(pa.Table.from_pylist(rows, CONVERSATION))
    return {**facts, "planted": len(planted), "planted_rows": planted}


def _sentences(data: Folder) -> list[str]:
    texts = [
        row.get(column) or ""
        for file, columns in TRAINING.items()
        for row in data.rows(file)
        for column in columns
    ]
    if not any(texts):  # tests/data has no training sets
        texts = [row["question"] + " " + row["answer"] for row in data.rows("gsm8k/test.jsonl")]
    found = [part for text in texts for part in SENTENCE.split(text) if len(part) > 10]
    return sorted(set(found))


def _made(rng: random.Random, sentences: Sequence[str], number: int) -> Row:
    """A prompt and a thought of some sentences each, every digit another."""
    asked = " ".join(rng.choices(sentences, k=rng.randint(2, 4)))
    thought = " ".join(rng.choices(sentences, k=rng.randint(0, 5)))
    digits = str.maketrans("0123456789", "".join(rng.choices("123456789", k=10)))
    return {
        "id": f"row-{number:07d}",
        "domain": "math",
        "language": "en",
        "prompt": [{"role": "user", "content": asked.translate(digits)}],
        "completion": thought.translate(digits),
        "source": "made",
    }


def _prompts(file: Path) -> list[str]:
    rows = pq.read_table(file, columns=["prompt"]).to_pylist()
    return [row["prompt"][0]["content"] for row in rows]


def middle(text: str) -> str:
    """The middle half of a text."""
    return text[len(text) // 4 : -(len(text) // 4) or None]
