"""Our SFT stage on the task of benchmarks/sft.py: `python -m benchmarks.our_sft TASK.json`."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from benchmarks.plain_grpo import peak_memory
from benchmarks.tasks_sft import point, stage_config
from pipeline.artifact import Artifact
from pipeline.context import Context
from stages.kinds.sft import run as sft
from stages.rows.schemas import read_rows
from stages.supervised import trainer


class Counted(trainer.PackedSFTTrainer):
    """Notes each step's end, tokens and loss; the stage's curves have tokens per second alone."""

    points: ClassVar[list[dict[str, float]]] = []
    began: ClassVar[float] = 0.0

    def training_step(self, *args: Any, **kwargs: Any) -> Any:
        Counted.began = Counted.began or time.time()
        return super().training_step(*args, **kwargs)

    def log(self, logs: dict[str, float], *args: Any) -> None:
        tokens = self._tokens
        super().log(logs, *args)
        if "loss" in logs:
            Counted.points.append(point(logs["loss"], tokens))


def main(file: str) -> None:
    """Train, and print the points of the curve and the peak of memory."""
    task = json.loads(Path(file).read_text())
    folder = Path(file).parent
    work, output, base = (folder / name for name in ("work", "output", "base"))
    for path in (work, output, base):
        path.mkdir()
    (base / "model").symlink_to(task["model"])
    config = stage_config(task["profile"], task["overrides"])
    config = replace(config, epochs=1.0, save_steps=10**6, seed=task["seed"])
    rows = Path(task["rows"])
    assert len(read_rows(rows)) == task["steps"] * config.batch_size
    inputs = {
        "init_from": (Artifact(base, {"type": "model", "stage": "base", "facts": {}}),),
        "data_from": (
            Artifact(rows.parent, {"type": "conversations", "stage": "rows", "facts": {}}),
        ),
    }
    sft.PackedSFTTrainer = Counted  # type: ignore[misc]
    context = Context("dev1", "0" * 16, work, output, task["seed"], task["threads"], folder)
    facts = sft.run(config, inputs, context).facts
    parameters = facts["compute"]["parameters"]
    found = {"points": Counted.points, "began": Counted.began, "parameters": parameters}
    print(json.dumps(found | peak_memory()))


if __name__ == "__main__":
    main(sys.argv[1])
