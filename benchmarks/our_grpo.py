"""Our RL stage on the task of benchmarks/grpo.py: `python -m benchmarks.our_grpo TASK.json`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.plain_grpo import peak_memory, point
from benchmarks.tasks_grpo import stage_config
from pipeline.artifact import Artifact
from pipeline.context import Context
from stages.kinds.rl import run as rl


@dataclass
class Clocked(Context):
    """Keeps the curve with the clocks at which its points were logged."""

    clocked: list[dict[str, float]] = field(default_factory=list)

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """A rollout's point."""
        super().log(step, metrics)
        if "length" in metrics:
            self.clocked.append(point(metrics["reward"], metrics["length"]))


def main(file: str) -> None:
    """Train, and print the points of the curve and the peak of memory."""
    task = json.loads(Path(file).read_text())
    folder = Path(file).parent
    work, output, base = (folder / name for name in ("work", "output", "base"))
    for path in (work, output, base):
        path.mkdir()
    (base / "model").symlink_to(task["model"])
    numbers = {"max_steps": task["steps"], "save_steps": 10**6, "seed": task["seed"]}
    config = replace(stage_config(task["overrides"]), **numbers)
    inputs = {
        "init_from": (Artifact(base, {"type": "model", "stage": "base", "facts": {}}),),
        "data_from": (
            Artifact(Path(task["rows"]).parent, {"type": "problems", "stage": "rows", "facts": {}}),
        ),
    }
    context = Clocked("zero", "0" * 16, work, output, task["seed"], task["threads"], folder)
    rl.run(config, inputs, context)
    print(json.dumps({"points": context.clocked, **peak_memory()}))


if __name__ == "__main__":
    main(sys.argv[1])
