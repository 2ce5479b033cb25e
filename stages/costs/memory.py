"""What lies on one device while a stage runs, by what holds it, in bytes (docs/costs.md)."""

from __future__ import annotations

from collections.abc import Mapping

from stages.costs.hardware import GB, Hardware
from stages.costs.shapes import BF16, FP32, Shape
from stages.costs.work import Draw, Passes, Trained, Work

GIB = 2**30
ADAM = 2 * FP32  # its two averages
READING = 10  # bytes of a logit that is only read: in bf16, in fp32, its log-softmax
LEARNING = 12  # with a gradient: log-softmax, gradient in fp32 and bf16, the bf16 logit
RESIDUAL = FP32  # of the stream between layers, which autocast leaves in fp32
#: Bytes of a token in a layer that is not recomputed: norms in fp32 and what matrices read in bf16.
OF_HIDDEN, OF_MLP, OF_KEYS = 34, 8, 8
SEQUENCES = 256, 1024  # at a time, vLLM's defaults below and from 70 GiB of memory on
BIG = 70 * GIB
SPARE = 0.05  # of an engine's share: activations and graphs
CPU_CACHE = 1 * GIB
SHARED = ("fsdp", "deepspeed")


def shares_weights(held: Trained) -> bool:
    return held.strategy == "fsdp" or (held.strategy == "deepspeed" and held.stage == 3)


def trained_parameters(held: Trained) -> float:
    """Those that have gradients: all, or those of the adapters."""
    model = held.model
    if held.rank is None:
        return model.parameters
    matrices = 2 * (model.hidden + model.attention) + 2 * (
        model.hidden + model.cached / model.layers / 2
    )
    matrices += 3 * (model.hidden + model.intermediate)
    return held.rank * model.layers * matrices


def peak(work: Work, hardware: Hardware, devices: int) -> dict[str, float]:
    """Bytes of one device at the moment when most is held, by what holds them."""
    moments = [
        _serving(task, work, hardware, devices) for task in work.tasks if isinstance(task, Draw)
    ]
    if work.trained:
        moments.append(_training(work.trained, work, hardware, devices))
    reading = [task for task in work.tasks if isinstance(task, Passes) and not work.trained]
    moments += [{"weights": FP32 * task.model.parameters} for task in reading]
    if not moments:
        return {}
    most = max(moments, key=lambda moment: sum(moment.values()))
    return {"process": hardware.efficiencies.process_gb * GB} | {k: v for k, v in most.items() if v}


def _training(held: Trained, work: Work, hardware: Hardware, devices: int) -> dict[str, float]:
    found = _states(held, devices) | _passing(held, devices)
    found |= _engine_share(work, hardware)
    lost = hardware.efficiencies.fragmented
    return found | {"fragments": lost * sum(found.values())}


def _states(held: Trained, devices: int) -> dict[str, float]:
    """Weights, gradients, the optimiser's averages, and models that do not learn."""
    all_, learnt = held.model.parameters, trained_parameters(held)
    weights = FP32 * all_ + (FP32 * learnt if held.rank else 0.0)
    gradients, optimiser = FP32 * learnt, ADAM * learnt
    casts = BF16 * all_ if held.bf16 and held.rank is None else 0.0
    frozen = held.frozen * FP32 * all_
    if held.strategy == "deepspeed":
        optimiser = (ADAM + FP32) * learnt / devices
        weights, gradients = BF16 * all_, BF16 * learnt / devices
        casts = 0.0
    if shares_weights(held):
        layer = all_ / held.model.layers
        weights, frozen, casts = weights / devices, frozen / devices, 2 * BF16 * layer
        if held.strategy == "fsdp":
            gradients, optimiser = gradients / devices, optimiser / devices
    found = {
        "weights": weights,
        "gradients": gradients,
        "optimiser": optimiser,
        "bf16 copies": casts,
    }
    found["reference"] = frozen
    if held.critic:
        found["critic"] = weights + gradients + optimiser
    found["reward models"] = sum(BF16 * shape.parameters for shape in held.scorers)
    return found


def _passing(held: Trained, devices: int) -> dict[str, float]:
    """Activations and logits of one pass."""
    rows = pass_rows(held)
    tokens = rows * held.longest
    model = held.model
    whole: float = OF_HIDDEN * model.hidden + OF_MLP * model.intermediate
    whole += OF_KEYS * model.cached / model.layers
    kept: float = (
        RESIDUAL * model.hidden * model.layers + whole
        if held.checkpointing
        else whole * model.layers
    )
    a_logit = LEARNING if held.logits_with_gradient else READING if held.logits else 0
    return {"activations": tokens * kept, "logits": tokens * a_logit * model.vocabulary}


def pass_rows(held: Trained) -> float:
    """Rows of a pass, when they are as long as they can be."""
    return max(
        1.0, min(held.micro_batch, held.chunk_logits // (held.longest * held.model.vocabulary))
    )


def _engine_share(work: Work, hardware: Hardware) -> dict[str, float]:
    """What vLLM keeps of a device beside a model in training."""
    beside = [task.engine for task in work.tasks if isinstance(task, Draw) and task.engine.beside]
    if not any(engine.name == "vllm" for engine in beside):
        return {}
    return {"engine": beside[0].utilization * hardware.device.memory_gb * GB}


def _serving(task: Draw, work: Work, hardware: Hardware, devices: int) -> dict[str, float]:
    """What generation holds; beside a model in training, with that model's states."""
    engine, model = task.engine, task.model
    states: Mapping[str, float] = {}
    if engine.beside and work.trained:
        states = _states(work.trained, devices) | {"bf16 copies": 0.0}
        states = states | ({"weights": FP32 * model.parameters} if work.trained.gathers else {})
    if engine.name == "vllm":
        share = engine.utilization * hardware.device.memory_gb * GB
        if not hardware.device.accelerator:
            share = engine.weights * model.parameters + (engine.cache_gib or 1.0) * GIB
        return {**states, "engine": share}
    tokens = sequences(task, hardware, 1) * (task.prompt + task.longest)
    own = {} if engine.beside else {"weights": engine.weights * model.parameters}
    cache = (
        min(tokens, engine.batch_tokens) * model.cached * (FP32 if engine.weights == FP32 else BF16)
    )
    return {**states, **own, "KV cache": cache}


def cache_room(task: Draw, hardware: Hardware, over: int) -> float:
    """Bytes for keys and values in an engine over so many devices, after its weights."""
    engine, device = task.engine, hardware.device
    if engine.cache_gib is not None:
        return engine.cache_gib * GIB * over
    if not device.accelerator:
        return float(CPU_CACHE)
    share = engine.utilization * device.memory_gb * GB * (1 - SPARE)
    return share * over - engine.weights * task.model.parameters


def sequences(task: Draw, hardware: Hardware, over: int) -> float:
    """How many an engine decodes at a time."""
    engine = task.engine
    if engine.name != "vllm":
        return max(1.0, min(task.sequences, engine.batch_tokens // (task.prompt + task.limit)))
    most = SEQUENCES[hardware.device.memory_gb * GB >= BIG]
    room = cache_room(task, hardware, over) / (
        (task.prompt + task.mean / 2) * cached_bytes(task.model)
    )
    return max(1.0, min(most, room))


def cached_bytes(model: Shape) -> float:
    """Bytes of a token's keys and values."""
    return BF16 * model.cached
