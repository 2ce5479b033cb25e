"""Where no key of memory is enough: rows short enough, with all such keys, or more devices."""

from __future__ import annotations

from dataclasses import replace

from pipeline.kinds import Stage
from stages.costs.hardware import Hardware
from stages.costs.remedies import STEP, holding, limit, needed, of_adapters, of_engine
from stages.costs.work import Work

MOST = 1024  # devices


def more(stage: Stage, work: Work, hardware: Hardware) -> tuple[str, str]:
    """A key, and what would do."""
    words, key = [], "parallel.strategy"
    own = [*of_engine(stage, work, hardware, 1), *of_adapters(stage, work, 1)]
    smallest = holding(micro_batch=1, checkpointing=True, logits_with_gradient=False)(work)
    for one in own:
        smallest = one.change(smallest)
    if length := _longest(smallest, hardware):
        key, told = _length(stage, length)
        words.append(f"set {' and '.join([told, *(one.words for one in own)])}")
    if count := _enough(smallest, work, hardware):
        words.append(f"share it out over {count} such devices (parallel=fsdp2)")
    return key, ", or ".join([*words, "take a smaller model"])


def _longest(work: Work, hardware: Hardware) -> int:
    """The longest rows that one device holds; 0: none."""
    assert work.trained
    for length in range(work.trained.longest // STEP * STEP, 0, -STEP):
        if needed(holding(longest=length)(work), hardware, 1) <= limit(hardware):
            return length
    return 0


def _length(stage: Stage, length: int) -> tuple[str, str]:
    """The key that bounds rows, and what is written."""
    name, config = f"stages.{stage.name}", stage.config
    if not hasattr(config, "sampling"):
        return "max_length", f"{name}.max_length={length}"
    room = max(STEP, length - int(config.max_prompt_tokens))
    switches = f" {name}.length_switches=[]" if getattr(config, "length_switches", []) else ""
    return "sampling.max_tokens", f"{name}.sampling.max_tokens={room}{switches}"


def _enough(smallest: Work, work: Work, hardware: Hardware) -> int:
    """How many devices hold it with all its weights trained and shared out; 0: not so many."""
    assert smallest.trained
    assert work.trained
    whole = replace(smallest.trained, rank=None, frozen=work.trained.frozen, strategy="fsdp")
    count = 2
    while count <= MOST:
        if needed(replace(smallest, trained=whole), hardware, count) <= limit(hardware):
            return count
        count *= 2
    return 0
