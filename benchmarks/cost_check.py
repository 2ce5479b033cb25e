"""What `r1 plan --cost` foresees of this machine's finished stages beside what they took.

    python -m benchmarks.cost_check [--alone] [--json FILE] [override …]

Three forecasts: with the hardware of the config (`given`); with the file that `r1 hardware`
measures from all of these stages (`measured`); and of each stage with the file measured from the
others (`others`), which is how well a file foretells a stage that it has not seen. Lengths are
those of the config in each. Numbers are foreseen over actual: 1.2 is a fifth too much.

--alone: seconds as if nobody else used the machine, which are those that were computed rather than
waited for; of one stage all phases shrink alike. For a CPU that others use: wall-clock seconds of a
busy machine are of its neighbours.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from pipeline.compose import compose
from pipeline.situation import Situation, survey
from stages.commands.hardware import measured
from stages.costs import speed
from stages.costs.estimate import Estimate, estimates
from stages.costs.fit import Observed, fitted
from stages.costs.hardware import SECTION, Hardware, of_root
from stages.project import R1

PHASES = ("rollout", "reward", "train", "validation", "start")


def main(arguments: Sequence[str]) -> None:
    options = _parse(arguments)
    composed = compose(R1, options.overrides)
    situation = survey(R1, composed)
    seen = measured(situation)
    if options.alone:
        seen = {name: alone(one) for name, one in seen.items()}
    if not seen:
        sys.exit("no finished stage says what it took: `r1 run` some first")
    base = of_root(composed.root, composed.choices.get(SECTION, ""))
    rows = compared(situation, base, seen)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    _show(rows)


def alone(one: Observed) -> Observed:
    """Its seconds without those in which it waited for a core, its own processes included."""
    spent, took = one.actual, sum(one.actual.phases.values())
    share = min(1.0, sum(spent.processor.values()) / took) if took else 1.0
    timed = {name: share if name.endswith("_seconds") else 1.0 for name in spent.counts}
    return replace(
        one,
        actual=replace(
            spent,
            seconds=spent.seconds * share,
            phases={phase: value * share for phase, value in spent.phases.items()},
            counts={name: value * timed[name] for name, value in spent.counts.items()},
        ),
    )


def compared(
    situation: Situation, base: Hardware, seen: Mapping[str, Observed]
) -> dict[str, dict[str, Any]]:
    """By stage: what it took, and each forecast over that."""
    stages = situation.graph.stages
    whole = fitted(base, list(seen.values()), "measured")
    given, own = (estimates(stages, hardware) for hardware in (base, whole))
    rows = {}
    for name, one in seen.items():
        others = [other for key, other in seen.items() if key != name]
        apart = estimates(stages, fitted(base, others, "others"))[name]
        rows[name] = {
            "kind": one.kind,
            "seconds": one.actual.seconds,
            "given": _over(given[name].seconds, one.actual.seconds),
            "measured": _over(own[name].seconds, one.actual.seconds),
            "others": _over(apart.seconds, one.actual.seconds),
            "tokens_in": _over(own[name].tokens_in, one.actual.tokens_in),
            "tokens_out": _over(own[name].tokens_out, one.actual.tokens_out),
            "memory": _over(sum(own[name].peak_bytes.values()), one.actual.memory_bytes),
            "disk": _over(own[name].disk_bytes, one.actual.disk_bytes),
            "decode steps": _over(_decode_steps(one, base), one.count("decode_calls")),
            "passes": _over(sum(task.calls for task in one.learns), one.count("passes")),
            **_phases(own[name], one),
        }
    return rows


def _phases(estimate: Estimate, one: Observed) -> dict[str, float | None]:
    """As fit.py takes the phases of a stage together."""
    took = {name: one.seconds([name]) for name in PHASES} | {"start": one.start_seconds}
    rest = "train" if one.learns else "reward"
    took[rest] += one.seconds(["save", "other"])
    took["rollout"] = one.count("engine_seconds") or took["rollout"]
    return {name: _over(estimate.phases.get(name, 0.0), took[name]) for name in PHASES}


def _decode_steps(one: Observed, base: Hardware) -> float:
    """Those that our own loop makes: each batch goes on to its longest."""
    batches = [max(1.0, t.sequences / speed.decoding(t, base, 1).batch) for t in one.draws]
    steps = (t.rounds * each * t.longest for t, each in zip(one.draws, batches, strict=True))
    return sum(steps)


def _over(foreseen: float, actual: float | None) -> float | None:
    return foreseen / actual if foreseen and actual else None


def _show(rows: Mapping[str, Mapping[str, Any]]) -> None:
    heads = [name for name in next(iter(rows.values())) if name not in ("kind", "seconds")]
    table = Table("stage", "seconds", *heads, title="foreseen over actual")
    for name, row in rows.items():
        table.add_row(name, f"{row['seconds']:.1f}", *(_cell(row[head]) for head in heads))
    table.add_section()
    within = [[r[h] for r in rows.values() if r[h] is not None] for h in heads]
    table.add_row("within 25 %", "", *(f"{sum(map(_near, v))} of {len(v)}" for v in within))
    table.add_row("median", "", *(f"{statistics.median(v):.2f}" if v else "–" for v in within))
    Console(width=200).print(table)


def _near(ratio: float) -> bool:
    return 0.75 <= ratio <= 1.25


def _cell(ratio: float | None) -> str:
    if ratio is None:
        return "–"
    return f"{ratio:.2f}" if _near(ratio) else f"[bold]{ratio:.2f}[/bold]"


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--alone", action="store_true", help="seconds as if alone on the machine")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers, too")
    parser.add_argument("overrides", nargs="*", help="Hydra overrides, key=value")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
