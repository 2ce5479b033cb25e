"""What lies on one device while a stage runs, by what holds it, in bytes (docs/costs.md)."""

from __future__ import annotations

from stages.costs.hardware import GB, Hardware
from stages.costs.shapes import BF16, FP32, Shape
from stages.costs.work import SHARED_OUT, Draw, Passes, Trained, Work

GIB = 2**30
ADAM = 2 * FP32  # its two averages
READING = 10  # bytes of a logit that is only read: in bf16, in fp32, its log-softmax
LEARNING = 12  # with a gradient: log-softmax, gradient in fp32 and bf16, the bf16 logit
RESIDUAL = FP32  # of the stream between layers, which autocast leaves in fp32
#: Bytes of a token in a layer that is not recomputed: norms in fp32, what matrices read in bf16.
OF_HIDDEN, OF_MLP, OF_KEYS = 34, 8, 8
SEQUENCES = 256, 1024  # at a time, vLLM's defaults below and from 70 GiB of memory on
BIG = 70 * GIB
SPARE = 0.05  # of an engine's share: activations and graphs
VLLM = "vllm"

Parts = dict[str, float]


def shares_weights(held: Trained) -> bool:
    return held.strategy == "fsdp" or (held.strategy == "deepspeed" and held.stage == 3)


def trained_parameters(held: Trained) -> float:
    """Those that have gradients: all, or those of adapters on every matrix of a layer."""
    model = held.model
    if held.rank is None:
        return model.parameters
    keys = model.cached / model.layers / 2
    sides = 2 * (model.hidden + model.attention) + 2 * (model.hidden + keys)
    sides += 3 * (model.hidden + model.intermediate)
    return held.rank * model.layers * sides


def peak(work: Work, hardware: Hardware, devices: int) -> Parts:
    """Bytes of one device at the moment when most is held, by what holds them."""
    draws = [task for task in work.tasks if isinstance(task, Draw)]
    if work.trained:
        moments = [_training(work.trained, hardware, devices)]
        moments += [_rollout(work.trained, task, hardware, devices) for task in draws]
    else:
        read = sum(
            task.weights * task.model.parameters for task in work.tasks if isinstance(task, Passes)
        )
        moments = [{**_serving(task, hardware), "other models": read} for task in draws]
    if not moments:
        return {}
    most = max(moments, key=lambda moment: sum(moment.values()))
    return {"process": hardware.efficiencies.process_gb * GB} | {k: v for k, v in most.items() if v}


def _training(held: Trained, hardware: Hardware, devices: int) -> Parts:
    """While it learns; an engine beside it sleeps."""
    found = states(held, devices) | _passing(held)
    lost = hardware.efficiencies.fragmented * sum(found.values())
    return found | {"fragments": lost}


def _rollout(held: Trained, task: Draw, hardware: Hardware, devices: int) -> Parts:
    """While it generates from the weights in training, which are whole for that time."""
    if not task.engine.beside:
        return _serving(task, hardware)
    found = states(held, devices) | {"bf16 copies": 0.0}
    if held.gathers:  # in the type that passes have
        size = BF16 if held.bf16 else FP32
        found["gathered weights"] = size * held.model.parameters * (1 + held.frozen)
    return found | _serving(task, hardware)


def states(held: Trained, devices: int) -> Parts:
    """Weights, gradients, the optimiser's averages, and models that do not learn."""
    all_, learnt = held.model.parameters, trained_parameters(held)
    weights = FP32 * all_ + (FP32 * learnt if held.rank else 0.0)
    gradients, optimiser = FP32 * learnt, ADAM * learnt
    copies = BF16 * all_ if held.bf16 and held.rank is None else 0.0
    frozen = held.frozen * FP32 * all_
    if held.strategy == "deepspeed":  # weights in bf16, with fp32 ones beside the averages
        weights, gradients = BF16 * all_, BF16 * learnt / devices
        optimiser, copies = (ADAM + FP32) * learnt / devices, 0.0
    if held.strategy == SHARED_OUT:  # weights in bf16, with fp32 ones beside the averages
        weights, gradients = BF16 * all_ / devices, FP32 * learnt / devices
        optimiser, copies = (ADAM + FP32) * learnt / devices, 0.0
        frozen = held.frozen * BF16 * all_ / devices
    if shares_weights(held):
        weights, frozen = weights / devices, frozen / devices
        copies = 2 * BF16 * all_ / held.model.layers  # of the layer at work and the next
        if held.strategy == "fsdp":
            gradients, optimiser = gradients / devices, optimiser / devices
    return {
        "weights": weights,
        "gradients": gradients,
        "optimiser": optimiser,
        "bf16 copies": copies,
        "reference": frozen,
        "critic": weights + gradients + optimiser if held.critic else 0.0,
        "other models": sum(size * shape.parameters for shape, size in held.others),
    }


def _passing(held: Trained) -> Parts:
    """Activations and logits of one pass; logits without gradients are of a pass that keeps no
    activations."""
    model, tokens = held.model, pass_rows(held) * held.longest / held.context
    layer = _layer(model)
    kept = layer * model.layers
    if held.checkpointing:  # what a layer begins with, and all of the one at work
        kept = RESIDUAL * model.hidden * model.layers + layer
    a_logit = LEARNING if held.logits_with_gradient else READING if held.logits else 0
    activations = tokens * kept
    logits = a_logit * min(tokens * model.vocabulary, held.chunk_logits)
    if held.logits_with_gradient:
        return {"activations": activations, "logits": logits}
    return {"activations": activations} if activations > logits else {"logits": logits}


def _layer(model: Shape) -> float:
    """Bytes of a token in the layer at work."""
    own: float = OF_HIDDEN * model.hidden + OF_MLP * model.intermediate
    return own + OF_KEYS * model.cached / model.layers


def pass_rows(held: Trained) -> float:
    """Rows of a pass, when they are as long as they can be."""
    fitting = held.chunk_logits // (held.longest * held.model.vocabulary)
    return max(1.0, min(held.micro_batch, fitting))


def _serving(task: Draw, hardware: Hardware) -> Parts:
    """What generation holds; our own loop beside training takes the weights that are there."""
    engine, model = task.engine, task.model
    if engine.name == VLLM:
        if hardware.device.accelerator:
            return {"engine": engine.utilization * hardware.device.memory_gb * GB}
        return {"engine": engine.weights * model.parameters + (engine.cache_gib or 1.0) * GIB}
    own = 0.0 if engine.beside else engine.weights * model.parameters
    batch = sequences(task, hardware, 1)
    tokens = batch * (task.prompt + task.longest)
    prompts = batch * min(1.0, task.prompts / task.sequences)  # that are read side by side
    return {
        "served weights": own,
        "KV cache": tokens * cached_bytes(task),
        "prompts": prompts * task.prompt * _layer(model),
    }


def cache_room(task: Draw, hardware: Hardware, over: int) -> float:
    """Bytes for keys and values in vLLM over so many devices, after its weights."""
    engine, device = task.engine, hardware.device
    if engine.cache_gib is not None:
        return engine.cache_gib * GIB * over
    if not device.accelerator:
        return float(GIB)
    share = engine.utilization * device.memory_gb * GB * (1 - SPARE)
    return share * over - engine.weights * task.model.parameters


def sequences(task: Draw, hardware: Hardware, over: int) -> float:
    """How many an engine decodes at a time."""
    engine = task.engine
    if engine.name != VLLM:
        fitting = engine.batch_tokens // (task.prompt + task.limit)
        return max(1.0, min(task.sequences, fitting))
    most = SEQUENCES[hardware.device.memory_gb * GB >= BIG]
    a_sequence = (task.prompt + task.mean / 2) * cached_bytes(task)
    return max(1.0, min(most, cache_room(task, hardware, over) / a_sequence))


def cached_bytes(task: Draw) -> float:
    """Bytes of a token's keys and values."""
    size = FP32 if task.engine.weights == FP32 else BF16
    return size * task.model.cached
