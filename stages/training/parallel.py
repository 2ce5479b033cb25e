"""Training in a gang of processes: what accelerate is told, and what the processes do together.

The launcher starts the gang (pipeline/launchers/gang.py); accelerate finds it in the environment.
An optimiser step always sees the whole batch that the config names, so the number of processes
changes results by rounding alone. docs/parallel.md says what was run, and what was not.

Where weights are sharded, a forward pass is a collective: every process must make the same passes.
`whole_weights` gathers them for as long as processes go their own ways (generation, scoring).
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from accelerate import Accelerator, ParallelismConfig
from accelerate.utils import broadcast_object_list, gather_object
from peft import PeftModel
from torch.distributed.fsdp import FSDPModule
from transformers import PreTrainedModel, Trainer

from pipeline.context import GANG
from pipeline.errors import UsageError
from stages.settings.parallel import Parallel

T = TypeVar("T")
_AFTER_TORCHS_OWN = 100


def _restore_on_cpu(storage: Any, location: str) -> Any:
    return storage if location.startswith("cpu:") else None


# In a gang without GPUs accelerate's device is "cpu:0", where the Trainer maps the optimizer of a
# checkpoint; torch knows "cpu" alone and would refuse to resume.
torch.serialization.register_package(_AFTER_TORCHS_OWN, lambda _: None, _restore_on_cpu)


def processes() -> int:
    """How many processes train this stage."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def gang_arguments(parallel: Parallel) -> dict[str, Any]:
    """What the Trainer passes on to accelerate; nothing for a process alone.

    The process joins its gang here, before accelerate would by a port that is open to all.
    """
    if processes() == 1:
        return {}
    join(timedelta(minutes=parallel.wait_minutes))
    arguments: dict[str, Any] = {
        "ddp_timeout": int(parallel.wait_minutes * 60),
        "ddp_find_unused_parameters": False,
    }
    if parallel.strategy == "fsdp":
        if not torch.cuda.is_available():
            raise UsageError(
                "parallel.strategy is fsdp, and there is no GPU: accelerate shards on GPUs alone, "
                "and would train whole copies instead. Use parallel=ddp"
            )
        arguments |= {"fsdp": True, "fsdp_config": deepcopy(parallel.fsdp)}
        if parallel.context > 1:
            parts = processes() // parallel.context
            cut = ParallelismConfig(dp_shard_size=parts, cp_size=parallel.context)
            arguments["parallelism_config"] = cut
    elif parallel.strategy == "deepspeed":
        arguments["deepspeed"] = deepcopy(parallel.deepspeed)
    return arguments


def join(patience: timedelta) -> None:
    """Make the default process group by the gang's file; accelerate takes what is there.

    Over several machines there is none, since locks do not reach everywhere: rank 0 listens.
    """
    if dist.is_initialized():
        return
    size, rank = processes(), int(os.environ["RANK"])
    if file := os.environ.get(GANG):
        store: dist.Store = dist.FileStore(file, size)
    else:
        place = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
        store = dist.TCPStore(*place, size, is_master=rank == 0, timeout=patience)
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=patience)


def with_own_rows(trainer: Trainer) -> int:
    """How many processes have rows of their own; others share the sequences of one of them."""
    return processes() // int(trainer.get_cp_size())


def sharded(trainer: Trainer) -> bool:
    """Whether no process has the whole weights, so that a pass is a collective."""
    if trainer.is_deepspeed_enabled:
        return bool(trainer.accelerator.state.deepspeed_plugin.zero_stage == 3)
    return trainer.is_fsdp_enabled


def engine_sees(trainer: Trainer) -> bool:
    """Whether FSDP or DeepSpeed has to see every pass; else gradients are averaged at the end."""
    return trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled


@contextmanager
def own_metrics(accelerator: Accelerator) -> Iterator[None]:
    """TRL gathers metrics in every pass, so it wants as many passes and rows of every process.

    Inside, each process keeps its own; `mean_of_all` puts them together once per optimiser step.
    """
    if processes() == 1:
        yield
        return
    names = ("gather", "gather_for_metrics", "reduce")
    for name in names:
        setattr(accelerator, name, lambda values, *_, **__: values)
    try:
        yield
    finally:
        for name in names:
            delattr(accelerator, name)


@contextmanager
def last_pass(trainer: Trainer, model: Any, last: bool) -> Iterator[None]:
    """One of several backward passes of an optimiser step; gradients are settled in the last.

    DeepSpeed steps its optimiser at the backward pass that it takes for the last: it is told.
    """
    if not trainer.is_deepspeed_enabled:
        with nullcontext() if last else trainer.accelerator.no_sync(model):
            yield
        return
    state = trainer.accelerator.gradient_state
    before = state.sync_gradients
    state._set_sync_gradients(last)
    try:
        yield
    finally:
        state._set_sync_gradients(before)


def agreed(decide: Callable[[], T]) -> T:
    """What rank 0 decides, known to all: the others might see another state of a folder."""
    if processes() == 1:
        return decide()
    found: list[Any] = [decide() if dist.get_rank() == 0 else None]
    broadcast_object_list(found)
    return found[0]  # type: ignore[no-any-return]


def meet() -> None:
    """Wait until every process is here."""
    if processes() > 1:
        dist.barrier()


def most(count: int) -> int:
    """The largest of what the processes have."""
    return max(gather_object([count])) if processes() > 1 else count


def mean_of_all(values: Mapping[str, float]) -> dict[str, float]:
    """The mean over the processes that have a number, name by name."""
    if processes() == 1:
        return dict(values)
    found: dict[str, list[float]] = {}
    for own in gather_object([dict(values)]):
        for name, value in own.items():
            found.setdefault(name, []).append(value)
    finite = {name: [v for v in all_ if math.isfinite(v)] for name, all_ in found.items()}
    return {name: sum(v) / len(v) if v else math.nan for name, v in finite.items()}


@torch.no_grad()
def average_gradients(model: torch.nn.Module) -> None:
    """Give every process the mean of all processes' gradients; none counts as zero."""
    if processes() == 1:
        return
    for parameter in model.parameters():
        if parameter.requires_grad:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            dist.all_reduce(parameter.grad)
            parameter.grad /= dist.get_world_size()


@contextmanager
def whole_weights(*models: torch.nn.Module | None) -> Iterator[None]:
    """Gather FSDP2's shards, so that forward passes are no collectives; then free them again."""
    modules = [m for model in models if model for m in model.modules() if isinstance(m, FSDPModule)]
    freed_after_forward = [_reshards(module) for module in modules]
    for module in modules:
        module.set_reshard_after_forward(False, recurse=False)
        module.unshard()
    try:
        yield
    finally:
        for module, reshards in zip(modules, freed_after_forward, strict=True):
            module.set_reshard_after_forward(reshards, recurse=False)
            module.reshard()


def _reshards(module: FSDPModule) -> bool:
    """There is no public way to ask."""
    group = module._get_fsdp_state()._fsdp_param_group
    return group is not None and group.post_forward_mesh_info is not None


def published(trainer: Trainer) -> Any:
    """The trained model as a plain one, on rank 0 where it was sharded; None elsewhere."""
    model = trainer.accelerator.unwrap_model(trainer.model)
    if not sharded(trainer):
        return model
    wrapped = trainer.deepspeed if trainer.is_deepspeed_enabled else trainer.model
    state = trainer.accelerator.get_state_dict(wrapped)
    if not trainer.is_world_process_zero():
        return None
    plain = plain_like(model)
    missing, unexpected = plain.load_state_dict(state, strict=False)
    tied = set(getattr(plain, "all_tied_weights_keys", {}))
    if unexpected or set(missing) - tied:
        raise ValueError(f"the shards do not make the model: {missing} missing, {unexpected} over")
    return plain


def plain_like(model: Any) -> Any:
    """A model of the same class and shape that nothing has sharded."""
    if isinstance(model, PeftModel):
        return PeftModel(plain_like(model.get_base_model()), model.peft_config["default"])
    kinds = (kind for kind in type(model).__mro__ if not issubclass(kind, FSDPModule))
    kind = next(kind for kind in kinds if issubclass(kind, PreTrainedModel))
    plain = kind(deepcopy(model.config))
    plain.generation_config = model.generation_config
    return plain
