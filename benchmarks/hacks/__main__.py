"""What policies that never compute are paid: under both policies of verdicts, beside guessing.

    make bench-hacks DATA=<folder with the data sets> [LIMIT=200] [ARGS='--json FILE --all']

For every set the table has the policy that is paid most under the lenient verdicts, the one that is
paid most under the strict ones, and "any but guesses": the rows of which at least one policy is
paid that is no mere guess, as if an oracle chose. Beside them stands what guessing earns: the best
of one answer to every row (the set's most frequent references, and policies that always say the
same) and of the policies that their module calls guesses. Who earns more than that is paid for
hacking; what an oracle chooses among many answers may be more by luck. Sets that DATA lacks stand
in the table as absent. `--all` prints every policy that is paid.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from random import Random
from types import ModuleType

from rich.console import Console
from rich.table import Table

from benchmarks.files import BBH, OWN, Folder
from benchmarks.graders import LIMIT, WORKERS
from stages.chat.template import tagged
from stages.rows.schemas import Row
from stages.tiny.problems import DOMAINS, generate
from stages.verifiers.answer import Policy
from stages.verifiers.pool import VerifierPool
from stages.verifiers.verdict import Request, request_of

MODULES = {"math": "maths"}  # where the module has not its verifier's name
GUESSES = 10  # of the most frequent references
ANY = "any but guesses"


@dataclass
class Measured:
    """A set: how many rows, what guessing earns, and what each policy is paid (lenient, strict)."""

    name: str
    rows: int = 0
    guessing: float = 0.0
    paid: dict[str, tuple[float, float]] = field(default_factory=dict)
    guesses: list[str] = field(default_factory=list)
    absent: str = ""


def main(argv: Sequence[str] | None = None) -> None:
    """Try all policies on all sets; print the table, write all numbers where asked."""
    parser = argparse.ArgumentParser(prog="bench-hacks")
    parser.add_argument("--data", type=Path, help="folder with one folder for each data set")
    parser.add_argument("--limit", type=int, default=200, help="rows of a set (default 200)")
    parser.add_argument("--json", type=Path, help="write all numbers here")
    parser.add_argument("--sets", default="", help="only sets whose name holds this")
    parser.add_argument("--all", action="store_true", help="print every policy that is paid")
    parser.add_argument("--width", type=int, default=120)
    options = parser.parse_args(argv)
    console = Console(width=options.width)
    found = [
        measure(name, rows, options.limit)
        for name, rows in sets(Folder(options.data or OWN), options.limit)
        if options.sets in name
    ]
    console.print(table(found, options.all))
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in found], indent=1) + "\n")


def sets(data: Folder, limit: int) -> Iterator[tuple[str, list[Row]]]:
    """The name of every set and its problems; none where its file is not there."""
    for domain in DOMAINS:
        for language in ("en", "zh"):
            yield f"tiny world, {domain} {language}", generate(domain, language, limit, 0, "train")
    yield "GSM8K", data.problems("gsm8k", "gsm8k/test.jsonl")
    yield "MATH", data.problems("math", "math_full/test.jsonl.gz", "math500/test.jsonl")
    yield "HumanEval", data.problems("humaneval", "humaneval/HumanEval.jsonl.gz")
    yield "MBPP", data.problems("mbpp", "mbpp/mbpp.jsonl")
    yield "MMLU-STEM", data.problems("mmlu_stem", "mcq_stem/mmlu_stem.jsonl.gz")
    for name in ("aqua-rat", "logiqa-en", "logiqa-zh", "lsat-ar"):
        yield f"AGIEval {name}", data.problems("agieval", f"mcq_stem/agieval_{name}.jsonl")
    yield "knights and knaves", data.problems("knights_knaves", "knights_knaves/3ppl_test.parquet")
    for task in BBH:
        yield f"BBH {task}", data.problems("bbh", f"bbh/{task}.json")
    yield "ARC", data.problems("arc_agi_1", "arc_agi_1/training.json")
    yield "IFEval", data.problems("ifeval", "ifeval/input_data.jsonl")


def measure(name: str, rows: Sequence[Row], limit: int) -> Measured:
    """Every policy on up to `limit` rows drawn from the set."""
    if not rows:
        return Measured(name, absent="its file is not in DATA")
    drawn = Random(name).sample(list(rows), min(limit, len(rows)))
    by_module: dict[str, list[Row]] = {}
    for row in drawn:
        verifier = str(row["verifier"])
        by_module.setdefault(MODULES.get(verifier, verifier), []).append(row)
    paid: Counter[tuple[str, bool]] = Counter()
    guesses: set[str] = set()
    for module, some in by_module.items():
        if find_spec(f"benchmarks.hacks.{module}") is None:
            return Measured(name, len(drawn), absent=f"no policies for {module}")
        hacks = import_module(f"benchmarks.hacks.{module}")
        given = [_answers(row, hacks) for row in some]
        guesses |= _constant(given) | set(getattr(hacks, "GUESSES", ()))
        for score in _scores(given, guesses):
            paid.update(score)
    names = dict.fromkeys(policy for policy, _ in paid)
    shares = {n: (paid[n, False] / len(drawn), paid[n, True] / len(drawn)) for n in names}
    best = max([guessing(drawn), *(shares[n][1] for n in names if n in guesses)])
    return Measured(name, len(drawn), best, shares, sorted(guesses))


def _constant(given: Sequence[dict[str, Request]]) -> set[str]:
    """The policies that say the same whatever they are asked."""
    said: dict[str, set[str]] = {}
    for answers in given:
        for policy, request in answers.items():
            said.setdefault(policy, set()).add(request.completion)
    return {policy for policy, texts in said.items() if len(texts) == 1 and len(given) > 1}


def _scores(
    given: Sequence[dict[str, Request]], guesses: set[str]
) -> Iterator[dict[tuple[str, bool], float]]:
    """For each row, what every policy is paid, leniently and strictly (True)."""
    requests = [request for answers in given for request in answers.values()]
    lenient = _judged(requests, strict=False)
    paid = [request for request, score in zip(requests, lenient, strict=True) if score]
    again = iter(_judged(paid, strict=True))  # what is not paid leniently is not paid at all
    strict = [next(again) if score else 0.0 for score in lenient]
    pairs = iter(zip(lenient, strict, strict=True))
    for answers in given:
        found = {policy: next(pairs) for policy in answers}
        worked = [pair for policy, pair in found.items() if policy not in guesses]
        best = [max((pair[kind] for pair in worked), default=0.0) for kind in (0, 1)]
        for policy, pair in {**found, ANY: best}.items():
            yield {(policy, False): pair[0], (policy, True): pair[1]}


def _answers(row: Row, hacks: ModuleType) -> dict[str, Request]:
    blank = request_of(row, "")
    names: Sequence[str] = getattr(hacks, "POLICIES", ())
    texts = list(hacks.answers(blank.question, blank.reference, blank.metadata))
    return {
        names[place] if place < len(names) else f"policy {place + 1}": request_of(
            row, text if "<think>" in text else tagged("Well.", text)
        )
        for place, text in enumerate(texts)
    }


def _judged(requests: Sequence[Request], strict: bool) -> list[float]:
    with VerifierPool(WORKERS, LIMIT, Policy(strict=strict)) as pool:
        return [verdict.score or 0.0 for verdict in pool.verify(requests)]


def guessing(rows: Sequence[Row]) -> float:
    """What the best of the most frequent references earns as everybody's answer."""
    references = Counter(row["reference"] for row in rows if row["reference"])
    if not references:
        return 0.0
    guesses = [tagged("Well.", text) for text, _ in references.most_common(GUESSES)]
    scores = _judged([request_of(row, text) for text in guesses for row in rows], strict=True)
    totals = [sum(scores[at : at + len(rows)]) for at in range(0, len(scores), len(rows))]
    return max(totals) / len(rows)


def table(found: Sequence[Measured], everything: bool) -> Table:
    """A line for each policy worth showing."""
    shown = Table("set", "rows", "policy", "lenient %", "strict %", "guessing %")
    for one in found:
        if one.absent:
            shown.add_row(one.name, str(one.rows or "–"), f"absent: {one.absent}")
            continue
        for number, policy in enumerate(_shown(one, everything)):
            head = (one.name, str(one.rows)) if number == 0 else ("", "")
            pays = [f"{100 * pay:.1f}" for pay in one.paid[policy]]
            shown.add_row(*head, policy, *pays, f"{100 * one.guessing:.1f}" if number == 0 else "")
    return shown


def _shown(one: Measured, everything: bool) -> list[str]:
    if everything:
        return [policy for policy, pays in one.paid.items() if pays[0] or policy == ANY]
    policies = [policy for policy in one.paid if policy not in {ANY, *one.guesses}] or [ANY]
    best = [max(policies, key=lambda policy: one.paid[policy][kind]) for kind in (0, 1)]
    return list(dict.fromkeys([*best, ANY]))


if __name__ == "__main__":
    main()
