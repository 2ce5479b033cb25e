"""Base models of other families, a few thousand weights each, as their makers publish them.

What matters is imitated: special tokens, ends, templates, ties, norms, windows, experts. Weights
are random, and large enough that an attention that sees another token says something else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers as hf
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

TEXTS = ["3 + 14 = 17, so 17 - 2 = 15. Wait, 小明有三个苹果。 <think>a</think>"]
CHATML = (
    "{%- for m in messages -%}{%- set said = m.content -%}"
    "{%- if m.role == 'assistant' and '</think>' in said -%}"  # Qwen3 shows no thought again
    "{%- set said = said.split('</think>')[-1].lstrip('\\n') -%}{%- endif -%}"
    "{{- '<|im_start|>' + m.role + '\\n' + said + '<|im_end|>\\n' -}}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"
)
HEADERS = (
    "{{- bos_token -}}{%- for m in messages -%}"
    "{{- '<|start_header_id|>' + m.role + '<|end_header_id|>\\n\\n' + m.content + '<|eot_id|>' -}}"
    "{%- endfor -%}{%- if add_generation_prompt -%}"
    "{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' -}}{%- endif -%}"
)
TURNS = (
    "{{- bos_token -}}{%- for m in messages -%}{%- if m.role == 'system' -%}"
    "{{- raise_exception('System role not supported') -}}{%- endif -%}"
    "{{- '<start_of_turn>' + ('model' if m.role == 'assistant' else m.role) + '\\n' -}}"
    "{{- m.content + '<end_of_turn>\\n' -}}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<start_of_turn>model\\n' -}}{%- endif -%}"
)
INST = (
    "{{- bos_token -}}{%- for m in messages -%}{%- if m.role == 'user' -%}"
    "{{- '[INST] ' + m.content + ' [/INST]' -}}{%- else -%}{{- m.content + eos_token -}}"
    "{%- endif -%}{%- endfor -%}"
)
SMALL: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "initializer_range": 0.3,
}
EXPERTS: dict[str, Any] = {"num_experts_per_tok": 2, "router_aux_loss_coef": 0.05}
SLIDING: dict[str, Any] = {"head_dim": 16, "sliding_window": 8, "query_pre_attn_scalar": 16}


def by_bytes(special: list[str], tags: tuple[str, ...] = (), **named: str) -> Any:
    """A byte-level BPE with these special tokens, and tags that decoding keeps."""
    backend = Tokenizer(models.BPE())
    backend.normalizer = normalizers.NFC()
    words = pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), behavior="isolated")
    in_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.pre_tokenizer = pre_tokenizers.Sequence([words, in_bytes])
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    backend.train_from_iterator(TEXTS, trainer)
    backend.add_tokens(list(tags))
    return hf.PreTrainedTokenizerFast(tokenizer_object=backend, **named)


def qwen3_tokens() -> Any:
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    ends = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
    return by_bytes(special, ("<think>", "</think>"), **ends)


def llama3_tokens() -> Any:
    """No pad token; a text begins with a token of its own, which the template writes."""
    names = ("begin_of_text", "end_of_text", "start_header_id", "end_header_id", "eot_id")
    special = [f"<|{name}|>" for name in names]
    return by_bytes(special, bos_token=special[0], eos_token=special[-1])


def gemma_tokens() -> Any:
    """Its own class: bytes where it has no word, and ▁ for blanks."""
    names = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<start_of_turn>", "<end_of_turn>"]
    vocab = names + [f"<0x{byte:02X}>" for byte in range(256)] + [*"▁0123456789abcdefg+=-"]
    tokenizer = hf.GemmaTokenizer(vocab={word: number for number, word in enumerate(vocab)})
    extra = ["<start_of_turn>", "<end_of_turn>"]
    tokenizer.add_special_tokens({"additional_special_tokens": extra})
    return tokenizer


def mistral_tokens() -> Any:
    """Neither a pad token nor tokens of a chat."""
    return by_bytes(["<unk>", "<s>", "</s>"], bos_token="<s>", eos_token="</s>")


@dataclass(frozen=True)
class Odd:
    """A family: how its config, tokenizer and template are made, and the tokens that end it."""

    config: Callable[..., Any]
    tokens: Callable[[], Any]
    template: str
    ends: tuple[str, ...]
    dtype: torch.dtype = torch.float32
    more: dict[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """The checkpoint's folder."""
        tokenizer = self.tokens()
        tokenizer.chat_template = self.template
        ids = {
            f"{name}_token_id": getattr(tokenizer, f"{name}_token_id")
            for name in ("bos", "eos", "pad")
        }
        config = self.config(vocab_size=len(tokenizer) + 5, **SMALL, **ids, **self.more)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model = hf.AutoModelForCausalLM.from_config(config).to(self.dtype)
        ends = [tokenizer.convert_tokens_to_ids(end) for end in self.ends]
        model.generation_config.eos_token_id = ends if len(ends) > 1 else ends[0]
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return folder


def _gemma3_with_eyes(**text: Any) -> Any:
    """Gemma 3 from 4B on: the language model is a part of one that sees pictures."""
    vision = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    vision |= {"num_attention_heads": 2, "image_size": 16, "patch_size": 8}
    ids = {name: text[name] for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    config = {"text_config": text, "vision_config": vision, "mm_tokens_per_image": 4, **ids}
    return hf.Gemma3Config(**config, image_token_index=len(gemma_tokens()) + 1)


LLAMA3 = {"rope_type": "llama3", "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
GLOBAL = {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6}
LOCAL = {"rope_type": "default", "rope_theta": 1e4}
FAMILIES = {
    "qwen3": Odd(
        hf.Qwen3Config,
        qwen3_tokens,
        CHATML,
        ("<|im_end|>", "<|endoftext|>"),
        torch.bfloat16,
        {"head_dim": 16, "tie_word_embeddings": True},
    ),
    "llama3": Odd(
        hf.LlamaConfig,
        llama3_tokens,
        HEADERS,
        ("<|end_of_text|>", "<|eot_id|>"),
        more={
            "tie_word_embeddings": False,
            "rope_parameters": LLAMA3
            | {"rope_theta": 5e5, "original_max_position_embeddings": 128},
        },
    ),
    "gemma2": Odd(
        hf.Gemma2Config,
        gemma_tokens,
        TURNS,
        ("<eos>", "<end_of_turn>"),
        more=SLIDING | {"attn_logit_softcapping": 2.0, "final_logit_softcapping": 5.0},
    ),
    "gemma3": Odd(
        _gemma3_with_eyes,
        gemma_tokens,
        TURNS,
        ("<eos>", "<end_of_turn>"),
        more=SLIDING
        | {
            "layer_types": ["sliding_attention", "full_attention"],
            "rope_parameters": {"full_attention": GLOBAL, "sliding_attention": LOCAL},
        },
    ),
    "qwen3_moe": Odd(
        hf.Qwen3MoeConfig,
        qwen3_tokens,
        CHATML,
        ("<|im_end|>",),
        more=EXPERTS | {"num_experts": 4, "moe_intermediate_size": 24, "head_dim": 16},
    ),
    "mixtral": Odd(
        hf.MixtralConfig,
        mistral_tokens,
        INST,
        ("</s>",),
        more=EXPERTS | {"num_local_experts": 4, "sliding_window": 8},
    ),
}
