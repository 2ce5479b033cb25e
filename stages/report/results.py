"""What status, sweeps and MLflow show of this recipe's results (`Results` in pipeline/hooks.py).

`r1 status` imports it, so nothing here takes time to import.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from pipeline.artifact import Artifact
from pipeline.hooks import Compared, Results, Table, Tracked
from stages.report.names import (
    ACCURACY,
    GROUPS,
    HEADLINE,
    NOT_REPRODUCED,
    REPRODUCED,
    UNDECIDED,
)

#: What MLflow's parent run shows of each evaluated stage.
SHOWN = (ACCURACY, *(f"{group}/{ACCURACY}" for group in GROUPS))
VERDICTS = {REPRODUCED: "✔", NOT_REPRODUCED: "✘", UNDECIDED: "?"}


class R1Results(Results):
    """Held-out accuracies and verdicts on claims."""

    models = frozenset({"model", "reward_model"})

    def line(self, facts: Mapping[str, Any]) -> str:
        """How a trained stage did on problems that it was only asked; empty if on none.

        It leaves `validation: {first: {step, accuracy}, best: …, last: …}` in its manifest.
        """
        found = facts.get("validation")
        if not found:
            return ""
        first, best, last = (100 * found[name]["accuracy"] for name in ("first", "best", "last"))
        step = found["best"]["step"]
        return f"held out: {first:.1f} → {last:.1f} % (best {best:.1f} at step {step:.0f})"

    def of_run(self, report: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
        """How many claims came to each verdict, and the shown stages' accuracies, as shares."""
        shown = ((config.get("claims") or {}).get("shown") or {}).get("stages", [])
        measured = report.get("stages") or {}
        return {
            "claims": dict(Counter(c["verdict"] for c in report.get("claims") or ())),
            "accuracies": {
                stage: measured[stage][HEADLINE]["value"]
                for stage in shown
                if HEADLINE in measured.get(stage, {})
            },
        }

    def compared(self, runs: Sequence[Mapping[str, Any]]) -> Compared:
        """A column per verdict, where any run has verdicts, and one per stage, in per cent."""
        stages = list(dict.fromkeys(stage for run in runs for stage in run["accuracies"]))
        judged = any(run["claims"] for run in runs)
        legend = ["Claims: ✔ reproduced, ✘ not reproduced, ? undecided."] if judged else []
        if stages:
            legend.append("Then pass@1 on held-out reasoning problems, per cent.")
            legend += _over_seeds(runs, stages)
        verdicts = list(VERDICTS) if judged else []
        return Compared(
            [*(VERDICTS[verdict] for verdict in verdicts), *stages],
            [[*_counts(run["claims"], verdicts), *_accuracies(run, stages)] for run in runs],
            legend,
        )

    def tracked(self, artifact: Artifact) -> Tracked:
        """An evaluation's metrics, over all problems and by group, and the model that it is of."""
        facts, found = artifact.facts, {}
        slices = [("", facts.get("overall")), *(facts.get("by_group") or {}).items()]
        for prefix, metrics in slices:
            for metric, entry in (metrics or {}).items():
                found[f"{prefix}/{metric}".lstrip("/")] = entry["value"]
        return Tracked(found, {"r1.evaluates": str(facts["model"])} if "model" in facts else {})

    def tracked_report(self, report: Mapping[str, Any]) -> Tracked:
        """The headlines of every evaluated stage, and the verdict on each claim."""
        values = {
            f"{metric}/{stage}": estimates[metric]["value"]
            for stage, estimates in report["stages"].items()
            for metric in SHOWN
            if metric in estimates
        }
        return Tracked(
            values, {f"claim.{claim['id']:02}": claim["verdict"] for claim in report["claims"]}
        )

    def table(self, artifact: Path, settings: Mapping[str, Any]) -> Table | None:
        """Some of an evaluation's completions. settings: `of_each`, `seed`."""
        from stages.report.samples import SAMPLES, choose, question

        if not (artifact / SAMPLES).is_file():
            return None
        chosen = choose(artifact / SAMPLES, settings["of_each"], settings["seed"])
        columns = list(dict.fromkeys(key for sample in chosen for key in sample))
        rows = [[question(s) if key == "prompt" else s.get(key) for key in columns] for s in chosen]
        return Table("samples", columns, rows)


RESULTS = R1Results()


def _over_seeds(runs: Sequence[Mapping[str, Any]], stages: Sequence[str]) -> list[str]:
    """Mean and standard deviation of the runs that differ by nothing but the seed."""
    alike: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for run in runs:
        others = tuple(word for word in run["differs"] if not word.startswith("seed="))
        if len(others) < len(run["differs"]):
            alike.setdefault(others, []).append(run["accuracies"])
    found = []
    for others, measured in alike.items():
        values = {stage: [one[stage] for one in measured if stage in one] for stage in stages}
        words = [
            f"{stage} {100 * mean(own):.1f} ± {100 * stdev(own):.1f} ({len(own)})"
            for stage, own in values.items()
            if len(own) > 1
        ]
        if words:
            told = f"{' '.join(others)}, over seeds" if others else "Over seeds"
            found.append(f"{told}, mean ± standard deviation (runs): {', '.join(words)}.")
    return found


def _counts(claims: Mapping[str, int], verdicts: Sequence[str]) -> list[str]:
    return [str(claims.get(verdict, 0)) if claims else "-" for verdict in verdicts]


def _accuracies(run: Mapping[str, Any], stages: Sequence[str]) -> list[str]:
    found = run["accuracies"]
    return [f"{100 * found[stage]:.1f}" if stage in found else "-" for stage in stages]
