"""Some completions of each evaluated stage, chosen by a seed and not by their beauty.

The choice goes by problem and number, so stages that were asked the same problems show the same.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq  # type: ignore[import-untyped]

from stages.report.evidence import Evidence

SAMPLES = "samples.parquet"
COLUMNS = ("id", "prompt", "reference", "completion", "score", "reason", "domain", "language")
RIGHT, WRONG, UNKNOWN = "✔ right", "✘ wrong", "? cannot be judged"
#: An empty line ends HTML in Markdown: what a model says after one would be Markdown of its own.
_EMPTY = re.compile(r"(?m)^[^\S\n]*$")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")

Sample = Mapping[str, Any]


def choose(path: Path, count: int, seed: int) -> list[Sample]:
    """`count` rows of a samples.parquet in the order of their problems; only these are read."""
    return read(path, sorted(ranked(path, seed)[:count]), COLUMNS)


def ranked(path: Path, seed: int) -> list[int]:
    """The numbers of all rows in the order in which the seed draws them."""
    numbers: dict[str, int] = {}
    keys = []
    for row, id_ in enumerate(pq.read_table(path, columns=["id"])["id"].to_pylist()):
        numbers[id_] = numbers.get(id_, -1) + 1
        key = hashlib.sha256(f"{seed}/{id_}/{numbers[id_]}".encode()).digest()
        keys.append((key, row))
    return [row for _, row in sorted(keys)]


def read(path: Path, rows: Sequence[int], wanted: Sequence[str]) -> list[Sample]:
    """These rows, ascending, with the columns of `wanted` that the file has."""
    found: list[Sample] = []
    start = 0
    with pq.ParquetFile(path) as file:
        columns = [name for name in wanted if name in file.schema_arrow.names]
        for group in range(file.num_row_groups):
            size = file.metadata.row_group(group).num_rows
            inside = [row - start for row in rows if start <= row < start + size]
            if inside:
                found += file.read_row_group(group, columns).take(inside).to_pylist()
            start += size
    return found


def mark(sample: Sample) -> str:
    """Right, wrong, or not to be judged; a score between 0 and 1 is told."""
    score = sample.get("score")
    if score is None:
        return UNKNOWN
    return RIGHT if score >= 1 else WRONG if score <= 0 else f"{WRONG} (score {score:.2f})"


def sections(evidence: Evidence, shown: Mapping[str, Any]) -> str:
    """A folded part for every evaluated stage that kept its samples; long completions are folded.

    shown: `of_each`, `seed`, and in characters `folded_from` and `longest`.
    """
    parts = []
    for stage in evidence.models():
        path = evidence.evaluation(stage).path / SAMPLES
        if path.is_file():
            parts.append(_stage(stage, choose(path, shown["of_each"], shown["seed"]), shown))
    if not parts:
        return ""
    how = (
        f"{shown['of_each']} completions of each evaluated stage, drawn by seed {shown['seed']} "
        f"from all that its evaluation judged ({SAMPLES}); the same problems where stages were "
        "asked the same."
    )
    return "\n\n".join([how, *parts])


def _stage(stage: str, chosen: Sequence[Sample], shown: Mapping[str, Any]) -> str:
    right = sum(mark(sample) == RIGHT for sample in chosen)
    lines = [f"<details><summary><b>{_safe(stage)}</b>: {right} of {len(chosen)} right</summary>"]
    lines += [_sample(sample, shown) for sample in chosen]
    return "\n".join([*lines, "</details>"])


def _sample(sample: Sample, shown: Mapping[str, Any]) -> str:
    said = sample.get("reason")
    reason = "" if said in (None, "right", "wrong") else f" ({said})"
    asked = " ".join(question(sample).split())
    facts = [f"{mark(sample)}{_safe(reason)}", _safe(f"{sample['domain']}, {sample['id']}")]
    facts.append(f"asked: <code>{_safe(cut(asked, shown['folded_from']))}</code>")
    if sample.get("reference"):
        reference = " ".join(str(sample["reference"]).split())
        facts.append(f"reference: <code>{_safe(cut(reference, shown['folded_from']))}</code>")
    text = str(sample["completion"])
    body = f"<pre>{_EMPTY.sub('&#8203;', _safe(cut(text, shown['longest'])))}</pre>"
    if len(text) > shown["folded_from"]:
        size = f"{len(text):,} characters"
        body = f"<details><summary>completion, {size}</summary>\n{body}\n</details>"
    return f"<p>{' · '.join(facts)}</p>\n{body}"


def question(sample: Sample) -> str:
    """The last turn of what was asked."""
    prompt = sample["prompt"]
    return str(prompt[-1]["content"] if isinstance(prompt, list) and prompt else prompt)


def cut(text: str, longest: int) -> str:
    """The text, or its beginning and its end."""
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]} […{len(text) - 2 * half:,} characters…] {text[-half:]}"


def _safe(text: str) -> str:
    """A model's text as plain text: no markup, nothing that steers a terminal or turns lines."""
    return html.escape(plain(text), quote=False)


def plain(text: str) -> str:
    """The text without what steers a terminal or turns lines."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
