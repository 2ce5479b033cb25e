"""`r1 hardware`: what this machine showed in the stages that it finished, as a hardware file.

    r1 run
    r1 hardware > mine.yaml
    r1 plan --cost hardware.file=mine.yaml

Overrides are those of `r1 run`: they say which recipe and which outputs. The numbers of `hardware`
stand where no stage showed others. docs/costs.md says how each is measured.

Exit codes: 0, 2 the request is wrong, or nothing was measured here.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from pipeline.artifact import Artifact
from pipeline.compose import compose
from pipeline.errors import UsageError
from pipeline.overrides import parsed
from pipeline.situation import Situation, survey
from stages.costs.actual import Actual
from stages.costs.estimate import work_of
from stages.costs.fit import Observed, fitted
from stages.costs.hardware import SECTION, of_root
from stages.costs.work import Known, assumed
from stages.project import R1


def main(argv: Sequence[str]) -> int:
    """Print the file; returns the exit code."""
    options = _parse(argv)
    composed = compose(R1, options.overrides)
    situation = survey(R1, composed)
    seen = measured(situation)
    if not seen:
        raise UsageError(
            f"hardware: no finished stage in {situation.store.root} says where its time went. "
            "Finish some with `r1 run` (those of earlier versions do not say it)"
        )
    base = of_root(composed.root, composed.choices.get(SECTION, ""))
    name = options.name or f"{base.name}, measured"
    found = fitted(base, list(seen.values()), name)
    kinds = Counter(one.kind for one in seen.values())
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    print(f"# Measured by `r1 hardware` on {datetime.now(UTC):%Y-%m-%d}, from {told}.")
    print(found.to_yaml(), end="")
    return 0


def measured(situation: Situation) -> dict[str, Observed]:
    """The finished stages that tell what they took, of the machine that ran most of them."""
    there = {name: fact.artifact for name, fact in situation.facts.items() if fact.artifact}
    there = {name: one for name, one in there.items() if one.manifest.get("cost")}
    here = _of_one_machine(there)
    if left := len(there) - len(here):
        print(f"{left} stages ran on another machine and are left out", file=sys.stderr)
    root = situation.composed.root
    known = Known(root, assumed(root), work_of, {n: one.facts for n, one in there.items()})
    return {
        name: Observed(
            one.manifest["kind"],
            known.work(situation.graph.stages[name]),
            Actual.of(one.manifest),
        )
        for name, one in here.items()
    }


def _of_one_machine(there: Mapping[str, Artifact]) -> dict[str, Artifact]:
    def machine(artifact: Artifact) -> tuple[str, int]:
        host = artifact.manifest["host"]
        return host["cpu"], host["cores"]

    most = [one for one, _ in Counter(map(machine, there.values())).most_common(1)]
    return {name: one for name, one in there.items() if machine(one) in most}


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="r1 hardware",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--name", help="of the machine, as `r1 plan --cost` shows it")
    parser.add_argument("overrides", nargs="*", help="Hydra overrides, key=value")
    return parsed(parser, argv)
