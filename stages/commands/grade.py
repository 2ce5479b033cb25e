"""`r1 grade IN --out OUT`: the recipe's verifiers on a file of answers, by themselves.

    r1 grade answers.jsonl --out verdicts.jsonl
    r1 grade answers.parquet --out verdicts.parquet verifiers.workers=8 verifiers.several=last
    r1 grade answers.jsonl --out verdicts.jsonl verifiers.policy=strict     as RL would pay
    r1 grade problems.jsonl --self-check              every reference against itself

IN holds rows {id, verifier, reference, completion, metadata} in any of the files that stages read
(.jsonl, .json, .csv, .tsv, .parquet, and the texts as .gz), OUT rows {id, score, reason, seconds},
in the same order, as .jsonl, .jsonl.gz or .parquet. A score of null says that the row cannot be
judged, and why: it has no reference (null, NaN, N/A), or cannot be read. Overrides are those of
conf/verifiers. The policy is lenient unless asked otherwise, as in evaluations; the strict one
looks at each row's `question`, too (or at metadata.question, or the user's messages in `prompt`),
and the summary counts rows without one.

Exit codes: 0, every row got a verdict (with --self-check: every reference scores 1); 1, some did
not, and these are named by their row's number; 2, the request is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from pipeline.errors import UsageError
from pipeline.overrides import parsed
from stages.rows.files import Advance
from stages.settings.verifiers import Verifiers
from stages.verifiers import files
from stages.verifiers.pool import VerifierPool
from stages.verifiers.selfcheck import proof, right_answer
from stages.verifiers.verdict import Request

CONFIG = Path("verifiers") / "default.yaml"
SHOWN = 20  # rows without a verdict that are named one by one


def main(argv: Sequence[str]) -> int:
    """Judge a file; returns the exit code."""
    options = _parse(argv)
    config = _config(options.overrides)
    if options.out and options.out.resolve() == options.source.resolve():
        raise UsageError(f"--out {options.out}: this is the file to be graded")
    files.require_readable(options.source)
    with VerifierPool.of(config) as pool, _output(options.out) as out:
        failed = _grade(options, pool, out)
    _conclude(pool, failed, options)
    return 1 if failed.count else 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="r1 grade",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="IN", type=Path)
    parser.add_argument("--out", type=Path, help="where the verdicts go")
    parser.add_argument("--self-check", action="store_true", help="grade the references")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    parser.add_argument("overrides", nargs="*", help="e.g. verifiers.workers=8")
    options = parsed(parser, argv)
    if options.out is None and not options.self_check:
        parser.error("name the file for the verdicts: --out OUT.jsonl")
    return options


def _config(overrides: Sequence[str]) -> Verifiers:
    """conf/verifiers and what the command line says of it, checked against the dataclass."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    import conf

    known = OmegaConf.create({"verifiers": OmegaConf.structured(Verifiers)})
    preset: Any = OmegaConf.load(Path(conf.__path__[0]) / CONFIG)
    del preset["training_policy"]  # nobody learns from these verdicts
    try:
        merged = OmegaConf.merge(known, {"verifiers": preset}, OmegaConf.from_dotlist([*overrides]))
        config = OmegaConf.to_object(merged.verifiers)
    except OmegaConfBaseException as problem:
        raise UsageError(f"{' '.join(overrides)}: {str(problem).splitlines()[0]}") from None
    assert isinstance(config, Verifiers)
    return config


@contextlib.contextmanager
def _output(path: Path | None) -> Iterator[files.VerdictFile | None]:
    if path is None:
        yield None
        return
    try:
        with files.VerdictFile(path) as out:
            yield out
    except KeyboardInterrupt:
        print(f"stopped: the verdicts so far are in {path}.partial", file=sys.stderr)
        raise


class _Failed:
    """Rows without a verdict: how many, and what stands against the first of them."""

    def __init__(self) -> None:
        self.count = 0
        self.shown: list[str] = []

    def add(self, number: int, id_: Any, reason: str) -> None:
        self.count += 1
        if self.count <= SHOWN:
            name = f" (id {id_!r})" if id_ is not None else ""
            self.shown.append(f"row {number}{name}: {reason}")


def _grade(
    options: argparse.Namespace, pool: VerifierPool, out: files.VerdictFile | None
) -> _Failed:
    """Write every verdict, and remember the rows that failed."""
    failed = _Failed()
    waiting: deque[files.Asked] = deque()  # rows that the pool has drawn and not yet judged

    def requests(advance: Advance) -> Iterator[Request]:
        for asked in files.read_requests(options.source, advance):
            waiting.append(asked)
            request = asked.request
            if options.self_check:
                request = proof(request, right_answer(request), pool.policy)
            yield request

    with _progress() as bar:
        for number, judged in enumerate(pool.stream(requests(bar.advance)), start=1):
            asked, verdict = waiting.popleft(), judged.verdict
            bar.count(number)
            if verdict.score is None or (options.self_check and verdict.score != 1.0):
                failed.add(asked.number, asked.id, verdict.reason)
            if out:
                out.write(asked.id, verdict.score, verdict.reason, judged.seconds)
    return failed


class _Bar:
    """A progress bar by the share of the file; rows drawn ahead count as read."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("grading", total=1.0, rows=0)

    def advance(self, share: float) -> None:
        self._progress.update(self._task, completed=share)

    def count(self, rows: int) -> None:
        self._progress.update(self._task, rows=rows)


@contextlib.contextmanager
def _progress() -> Iterator[_Bar]:
    console = Console(stderr=True)
    columns = (
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield _Bar(progress)


def _conclude(pool: VerifierPool, failed: _Failed, options: argparse.Namespace) -> None:
    """The summary on stdout; the rows without a verdict on stderr."""
    summary = pool.tally.summary()
    if options.json:
        print(
            json.dumps(summary | {"failed": failed.count, "first_failed": failed.shown}, indent=1)
        )
    else:
        print("\n".join(_lines(summary)))
    if failed.count:
        what = "do not score 1" if options.self_check else "got no verdict"
        more = [f"… and {failed.count - SHOWN} more"] if failed.count > SHOWN else []
        lines = [f"{failed.count} of {summary['rows']} rows {what}:", *failed.shown, *more]
        print("\n  ".join(lines), file=sys.stderr)


def _lines(summary: dict[str, Any]) -> Iterator[str]:
    yield (
        f"{summary['rows']} rows, {summary['rows_per_second']:,.0f} a second, "
        f"the slowest {summary['slowest_seconds']} s"
    )
    if missing := summary.get("without_question"):
        yield f"  {missing} without a question, of which the strict policy sees the answer alone"
    for verifier, outcomes in sorted(summary["verdicts"].items()):
        for outcome, reasons in outcomes.items():
            yield f"  {verifier:12} {outcome:12} {sum(reasons.values()):8}"
            if set(reasons) != {outcome}:
                yield from (f"  {'':12}   {reason:.60} {n}" for reason, n in reasons.items())
