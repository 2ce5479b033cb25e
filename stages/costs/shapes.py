"""The shape of a model, as its cost depends on it: from config.json, conf/cost/_models.yaml, or a
tiny base.

Parameters are counted from the sizes, as the architectures of Llama, Qwen, SmolLM and DeepSeek have
them: gated MLPs, grouped or latent attention, experts. Norms and routers are in it; what else an
architecture has (Gemma's extra norms) is below 0.1 %.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from pipeline.kinds import Stage
from stages.settings.context import config_file

BF16, FP8, FP32 = 2, 1, 4  # bytes


@dataclass(frozen=True)
class Shape:
    """parameters: all. active: those that a token is multiplied with: with the head, without
    an embedding that is only looked up. cached: numbers that keys and values keep of a token.
    expert_share: of the parameters, those of experts that are chosen. weight_bytes: of a parameter
    as it is published and served.
    """

    name: str
    parameters: float
    active: float
    layers: int
    hidden: int
    intermediate: int  # of all MLPs that one token sees in a layer, on average
    attention: int  # heads × their size, of queries
    vocabulary: int
    cached: float
    expert_share: float = 0.0
    chosen_share: float = 1.0  # of the experts, those that a token is sent to
    weight_bytes: int = BF16

    @property
    def moe(self) -> bool:
        return self.expert_share > 0

    def attention_flops(self, context: float) -> float:
        """FLOPs of one token that looks back over `context` others, forward: scores and sums."""
        return 4.0 * self.layers * self.attention * context

    def read_parameters(self, tokens: float) -> float:
        """The parameters that a batch of tokens touches: experts that nobody chose are not read."""
        touched = 1.0 - (1.0 - self.chosen_share) ** max(1.0, tokens)
        return self.parameters * (1.0 - self.expert_share * (1.0 - touched))


def of_stage(stage: Stage) -> Shape | None:
    """The model that a stage makes, or that stands behind it; None: nobody knows its shape."""
    if before := stage.inputs["init_from"]:
        return of_stage(before[0])
    config = stage.config
    if stage.kind.name == "pretrain":
        return of_config(stage.name, _tiny(config))
    if stage.kind.name == "pretrained":
        said = _published(config.path, config.revision)
        return of_config(config.path, said) if said else None
    return None


def known() -> dict[str, Mapping[str, Any]]:
    """What conf/cost/_models.yaml has, by hub name."""
    return _table()


@cache
def _table() -> dict[str, Mapping[str, Any]]:
    spec = importlib.util.find_spec("conf")
    places = list(spec.submodule_search_locations or ()) if spec else []
    found: dict[str, Mapping[str, Any]] = yaml.safe_load(
        (Path(places[0]) / "cost" / "_models.yaml").read_text()
    )
    return found


def _published(path: str, revision: str | None) -> Mapping[str, Any] | None:
    """A model's own config.json where it is on this machine, else what is known of its name."""
    file = config_file(path, revision)
    if file and file.is_file():
        try:
            said = json.loads(file.read_text())
        except ValueError:  # no JSON; the stage says so
            return None
        return dict(said.get("text_config") or said)
    return known().get(path)


def _tiny(config: Any) -> dict[str, Any]:
    shape = config.shape
    return {
        "hidden_size": shape.hidden_size,
        "intermediate_size": shape.intermediate_size,
        "num_hidden_layers": shape.num_layers,
        "num_attention_heads": shape.num_heads,
        "num_key_value_heads": shape.num_kv_heads,
        "vocab_size": config.corpus.vocab_size,
        "tie_word_embeddings": True,
        "attention_bias": shape.family == "qwen2",
    }


def of_config(name: str, said: Mapping[str, Any]) -> Shape | None:
    """From the keys of a config.json; None where it has none of these."""
    if not {"hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size"} <= said.keys():
        return None
    hidden, layers = int(said["hidden_size"]), int(said["num_hidden_layers"])
    heads, vocabulary = int(said["num_attention_heads"]), int(said["vocab_size"])
    attention, queries, cached = _attention(said, hidden, heads)
    dense, expert, shared, count, chosen = _mlps(said, hidden)
    sparse = layers - int(said.get("first_k_dense_replace", 0)) if count else 0
    router = hidden * count
    embedding = hidden * vocabulary
    tied = bool(said.get("tie_word_embeddings", False))
    always = layers * (attention + 2 * hidden) + (layers - sparse) * dense + hidden
    always += sparse * (shared + router)
    experts = sparse * count * expert
    parameters = always + experts + embedding * (1 if tied else 2)
    active = always + sparse * chosen * expert + embedding
    seen = ((layers - sparse) * dense + sparse * (shared + chosen * expert)) / layers / (3 * hidden)
    fp8 = (said.get("quantization_config") or {}).get("quant_method") == "fp8"
    return Shape(
        name,
        float(parameters),
        float(active),
        layers,
        hidden,
        round(seen),
        queries,
        vocabulary,
        float(layers * cached),
        experts / parameters,
        chosen / count if count else 1.0,
        FP8 if fp8 else BF16,
    )


def _attention(said: Mapping[str, Any], hidden: int, heads: int) -> tuple[int, int, int]:
    """Parameters of a layer's attention, the width of its queries, what it caches of a token."""
    if latent := said.get("kv_lora_rank"):
        nope, rope, value = (int(said[f"{name}_head_dim"]) for name in ("qk_nope", "qk_rope", "v"))
        rank = said.get("q_lora_rank")
        query = (
            hidden * rank + rank * heads * (nope + rope) if rank else hidden * heads * (nope + rope)
        )
        keys = hidden * (latent + rope) + latent * heads * (nope + value)
        width = heads * (nope + rope + value) // 2  # scores and sums have widths of their own
        return query + keys + heads * value * hidden, width, latent + rope
    size = int(said.get("head_dim") or hidden // heads)
    kept = int(said.get("num_key_value_heads") or heads) * size
    width = heads * size
    biased = said.get("attention_bias") or said.get("model_type") == "qwen2"
    biases = width + 2 * kept if biased else 0
    return hidden * width * 2 + hidden * kept * 2 + biases, width, 2 * kept


def _mlps(said: Mapping[str, Any], hidden: int) -> tuple[int, int, int, int, int]:
    """Parameters of a dense MLP, an expert and the shared ones; experts, and those of a token."""
    dense = 3 * hidden * int(said.get("intermediate_size") or 0)
    count = int(
        said.get("n_routed_experts")
        or said.get("num_experts")
        or said.get("num_local_experts")
        or 0
    )
    if not count:
        return dense, 0, 0, 0, 0
    expert = 3 * hidden * int(said.get("moe_intermediate_size") or said["intermediate_size"])
    shared = expert * int(said.get("n_shared_experts") or 0)
    return dense, expert, shared, count, int(said["num_experts_per_tok"])
