"""What the never-computing policies earn on real puzzles under the strict policy, in per cent.

    python -m benchmarks.hacks.puzzles DATA

Each line: set, rows, what guessing earns (0 where nothing can be guessed), what each policy earns.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.files import BBH, Folder
from stages.data.rows import Row
from stages.data.template import compose
from stages.tiny.problems import generate
from stages.verifiers.answer import Policy
from stages.verifiers.pool import VerifierPool
from stages.verifiers.verdict import Request, request_of

PUZZLES = ("choice", "grid", "logic", "order", "text")
COUNT = 400  # problems of the tiny world of each kind


def sets(data: Folder) -> Iterator[tuple[str, list[Row]]]:
    """Name and problems of every set."""
    yield "MMLU-STEM", data.problems("mmlu_stem", "mcq_stem/mmlu_stem.jsonl.gz")
    for name in ("aqua-rat", "gaokao-physics", "logiqa-en", "logiqa-zh", "lsat-ar"):
        yield f"AGIEval {name}", data.problems("agieval", f"mcq_stem/agieval_{name}.jsonl")
    for name in ("3ppl_test", "3ppl_train", "5ppl_train"):
        yield f"K&K {name}", data.problems("knights_knaves", f"knights_knaves/{name}.parquet")
    for task in BBH:
        yield f"BBH {task}", data.problems("bbh", f"bbh/{task}.json")
    yield "ARC", data.problems("arc_agi_1", "arc_agi_1/training.json")
    for domain in ("stem", "logic"):
        for language in ("en", "zh"):
            yield f"tiny {domain} {language}", generate(domain, language, COUNT, 0, "heldout")


def paid(rows: Sequence[Row], pool: VerifierPool) -> list[float]:
    """The mean score of each policy over the rows."""
    hacks = import_module(f"benchmarks.hacks.{rows[0]['verifier']}")
    totals: list[float] = []
    for row in rows:
        blank = request_of(row, "")
        said = list(hacks.answers(blank.question, blank.reference, blank.metadata))
        verdicts = pool.verify([_answered(row, answer) for answer in said])
        totals = totals or [0.0] * len(said)
        totals = [t + (v.score or 0.0) for t, v in zip(totals, verdicts, strict=True)]
    return [total / len(rows) for total in totals]


def guessing(metadata: Mapping[str, Any], verifier: str) -> float:
    """What a uniform guess earns."""
    if verifier == "choice":
        options = metadata["options"]
        return 1 / (options if isinstance(options, int) else len(options))
    if verifier == "logic":
        return 0.5 ** len(metadata.get("names", [0]))
    return 0.0


def _answered(row: Row, answer: str) -> Request:
    return request_of(row, compose("Well.", answer))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    data = Folder(parser.parse_args().data)
    with VerifierPool(1, policy=Policy(strict=True)) as pool:
        for name, problems in sets(data):
            rows = [row for row in problems if row["verifier"] in PUZZLES]
            if not rows:
                continue
            blanks = [request_of(row, "") for row in rows]
            guess = sum(guessing(blank.metadata, blank.verifier) for blank in blanks) / len(rows)
            shown = " ".join(f"{100 * score:.1f}" for score in paid(rows, pool))
            print(
                f"{name:30.30} {len(rows):5} guess {100 * guess:4.1f} policies {shown}", flush=True
            )


if __name__ == "__main__":
    main()
