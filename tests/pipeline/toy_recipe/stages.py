"""What the toy's stages do. `work` resumes from a checkpoint in its work directory."""

from __future__ import annotations

import errno
import json
import os
import signal
import time

from pipeline import meter, state
from pipeline.artifact import Artifact, Inputs
from pipeline.context import Context
from pipeline.engine_nodes import Lending
from pipeline.errors import StageFailed
from pipeline.kinds import Outputs
from toy_recipe.kinds import SourceConfig, TotalConfig, WorkConfig


def numbers_of(artifact: Artifact) -> list[int]:
    numbers: list[int] = json.loads((artifact.path / "numbers.json").read_text())
    return numbers


def source(config: SourceConfig, inputs: Inputs, context: Context) -> Outputs:
    numbers = [context.seed + i for i in range(config.count)]
    (context.output / "numbers.json").write_text(json.dumps(numbers))
    return Outputs(facts={"rows": len(numbers)}, funnel={"made": len(numbers)})


def work(config: WorkConfig, inputs: Inputs, context: Context) -> Outputs:
    numbers = [n for artifact in inputs["data_from"] for n in numbers_of(artifact)]
    checkpoint = context.work / "checkpoint.json"
    done = json.loads(checkpoint.read_text()) if checkpoint.exists() else 0
    context.rewind(done)
    print(f"starting at step {done}")
    if context.engines is not None:
        while context.engines.awaited():
            time.sleep(0.05)
        print(f"engines: {' '.join(context.engines.there())}")
    hit = context.rank == config.trouble.rank
    if config.trouble.fail and hit:
        raise StageFailed("the numbers do not add up")
    eaten = bytearray(b"1") * (config.trouble.eat_mib << 20)
    if config.trouble.full_disk:
        raise OSError(errno.ENOSPC, "No space left on device", str(context.output))
    for step in range(done + 1, config.steps + 1):
        with meter.phase("adding"):
            time.sleep(config.delay)
        meter.count(steps=1)
        context.log(step, {"sum": sum(numbers) + step * config.add})
        context.progress(step, config.steps)
        if context.rank == 0:
            state.write(checkpoint, step)  # whole or not at all, whenever it is killed
        if step == config.trouble.kill_at and hit:
            os.kill(os.getpid(), signal.SIGKILL)
    place = [os.environ.get(name, "") for name in ("RANK", "WORLD_SIZE", "CUDA_VISIBLE_DEVICES")]
    print(f"rank {place[0]} of {place[1]} on {place[2]}")
    del eaten
    result = [n + config.steps * config.add for n in numbers]
    if context.rank == 0:
        (context.output / "numbers.json").write_text(json.dumps(result))
    return Outputs(facts={"rows": len(result), "started_at": done, "pid": os.getpid()})


def hold(config: WorkConfig, lending: Lending) -> None:
    """An engine that does nothing; its port is the number of its process."""
    lending.announce([f"{lending.invitation().address}:{os.getpid()}"])
    while not lending.over():
        time.sleep(0.1)


def total(config: TotalConfig, inputs: Inputs, context: Context) -> Outputs:
    value = 0
    for artifact in inputs["data_from"]:
        kept = context.beside(artifact.fingerprint) / "sum.json"
        if not kept.exists():
            kept.parent.mkdir(parents=True)
            kept.write_text(json.dumps(sum(numbers_of(artifact))))
        value += config.scale * json.loads(kept.read_text())
    (context.output / "sum.json").write_text(json.dumps(value))
    return Outputs(facts={"sum": value})
