"""Whether a checkpoint will serve all stages that come: looked at where it comes in, not later.

transformers builds the model without memory for its weights, and says which of them are missing: it
would start those at random and go on. A generation config that it would refuse to save, after the
training, is mended. A chat template must show what it is given: many refuse a system message, or
leave it out, and then it is put before the question, as their makers advise.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    GenerationConfig,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from stages.chat.template import Message, render_prompt
from stages.models.folder import Unfit, check_vocabulary
from stages.models.window import text_part

GENERATION = "generation_config.json"
FOLDED = (
    "{%- if messages[0]['role'] == 'system' and messages|length > 1 -%}"
    "{%- set messages = [{'role': messages[1]['role'], 'content': "
    "messages[0]['content'] ~ '\\n\\n' ~ messages[1]['content']}] + messages[2:] -%}"
    "{%- endif -%}"
)
SYSTEM: Message = {"role": "system", "content": "Answer shortly."}
QUESTION: Message = {"role": "user", "content": "3 + 4 = ?"}
TALK = [QUESTION, {"role": "assistant", "content": "7"}, {"role": "user", "content": "And 5?"}]


def check_loads(model: Path, tokenizer: PreTrainedTokenizerBase, trusted: bool) -> PretrainedConfig:
    """The config of a model's folder from which transformers loads every weight. Raises Unfit.

    trusted: it may run Python files of its own.
    """
    config = _config(model, trusted)
    rows = text_part(config.to_dict()).get("vocab_size")
    if getattr(config, "quantization_config", None) is None:  # else only its hardware can load it
        loaded = _without_memory(model, trusted)
        rows = loaded.get_input_embeddings().weight.shape[0]
    check_vocabulary(max(tokenizer.get_vocab().values()) + 1, rows or len(tokenizer))
    return config


def _config(model: Path, trusted: bool) -> PretrainedConfig:
    try:
        config: PretrainedConfig = AutoConfig.from_pretrained(model, trust_remote_code=trusted)
    except Exception as error:  # a ValueError, or whatever its own code raises
        if not trusted and "trust_remote_code" in str(error):
            raise Unfit(
                "transformers has no such architecture, so its own Python files would have to run: "
                "if you trust them as a program of yours, set trust_remote_code=true beside path"
            ) from error
        raise Unfit(f"its config.json cannot be read: {told(error)}") from error
    return config


def _without_memory(model: Path, trusted: bool) -> PreTrainedModel:
    try:
        loaded, found = AutoModelForCausalLM.from_pretrained(
            model, device_map="meta", output_loading_info=True, trust_remote_code=trusted
        )
    except Exception as error:  # of any sort: an unknown architecture, shapes, its own code
        raise Unfit(
            f"transformers cannot load it as a language model ({told(error)}): the stage's log "
            "says which shape differs, if any; config.json must be the one of these weights"
        ) from error
    if missing := sorted(found["missing_keys"]):
        raise Unfit(
            f"{len(missing)} of its weights are missing, e.g. {missing[0]}, and would start at "
            "random: config.json must be the one of these weights"
        )
    whole: PreTrainedModel = loaded
    return whole


def mend_generation(model: Path) -> str | None:
    """Make generation_config.json one that transformers saves; what was done. Raises Unfit.

    It refuses a temperature beside do_sample=false, which loading only warns of.
    """
    if not (model / GENERATION).is_file():
        return None
    try:
        config = GenerationConfig.from_pretrained(model)
        if _is_valid(config):
            return None
        config.do_sample = True
        config.save_pretrained(model)
    except Exception as error:  # of any sort: JSON of another shape reaches the library's code
        raise Unfit(
            f"transformers would not save its {GENERATION} after a training ({told(error)}): mend "
            "that file, or delete it"
        ) from error
    return f"{GENERATION}: do_sample is true, as its temperature and the like say"


def _is_valid(config: GenerationConfig) -> bool:
    try:
        config.validate(strict=True)
    except ValueError:
        return False
    return True


def folded_template(tokenizer: PreTrainedTokenizerBase) -> str | None:
    """A chat template that shows system messages, where the tokenizer's own does not.

    None: the tokenizer's does. Raises Unfit if it cannot render a question at all.
    """
    _render(tokenizer, [QUESTION])
    if shows(tokenizer, [SYSTEM, QUESTION]):
        return None
    own: Any = tokenizer.chat_template
    tokenizer.chat_template = f"{FOLDED}{own}" if isinstance(own, str) else own
    if not shows(tokenizer, [SYSTEM, QUESTION]):
        tokenizer.chat_template = own
        raise Unfit("its chat template shows no system message: a .jinja file as chat_template can")
    return str(tokenizer.chat_template)


def shows_talks(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether all turns of a longer talk reach the model."""
    return shows(tokenizer, TALK)


def shows(tokenizer: PreTrainedTokenizerBase, messages: list[Message]) -> bool:
    """Whether the chat template renders the content of every message."""
    try:
        text = _render(tokenizer, messages)
    except Unfit:
        return False
    return all(message["content"] in text for message in messages)


def _render(tokenizer: PreTrainedTokenizerBase, messages: list[Message]) -> str:
    try:
        return render_prompt(tokenizer, messages)
    except Exception as error:  # jinja's own errors, or the template's raise_exception
        raise Unfit(
            f"its chat template cannot render a question ({told(error)}): set chat_template to a "
            ".jinja file that can, or to `recipe`"
        ) from error


def told(error: BaseException) -> str:
    """An error's sort and its first line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
