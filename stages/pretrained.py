"""An existing checkpoint as the recipe's base: a local folder, or a name on the Hugging Face hub.

The weights are taken as they are (safetensors only: a pickled checkpoint would run code). What may
be changed (stages/data/checkpoint.py):

    context         how many tokens it sees, and the base of its rotary positions
    chat_template   null: the model's own, or the recipe's in plain text where it has none
                    recipe: the recipe's; its roles and <think> become single tokens where the
                    embeddings have rows to spare. Training must teach these, so it suits SFT, as of
                    the paper's students, and not RL straight from a base
                    a file: that one

Local weights are copied, since their owner may go on training; the hub's cache is linked.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError
from transformers import AutoConfig, AutoTokenizer, PreTrainedTokenizerBase

from pipeline.artifact import Inputs
from pipeline.context import Context
from pipeline.errors import UsageError
from pipeline.kinds import Outputs
from stages.configs import PretrainedConfig
from stages.data.checkpoint import add_chat_tokens, change_context
from stages.data.template import CHAT_TEMPLATE, END, render_prompt
from stages.data.window import read_window
from stages.tiny.tokenizer import PROBE

WEIGHTS = "*.safetensors"
FILES = (WEIGHTS, "*.json", "*.jinja", "*.model", "*.txt")
TEMPLATE = "chat_template.jinja"
RECIPE = "recipe"  # the value of chat_template, and whose it is
EXPECTED = "expected config.json, tokenizer files and *.safetensors"


def run(config: PretrainedConfig, inputs: Inputs, context: Context) -> Outputs:
    """Publish the checkpoint at `config.path` with a chat template."""
    key = f"stages.{context.stage}"
    local = Path(config.path).expanduser()
    source = local if local.is_dir() else _download(config, f"{key}.path")
    _check(source, config.path, f"{key}.path")
    target = context.output / "model"
    _take(source, target, link=not local.is_dir())
    change_context(target, config.context, f"{key}.context")
    tokenizer = AutoTokenizer.from_pretrained(target)
    added = add_chat_tokens(tokenizer, target) if config.chat_template == RECIPE else []
    origin = _give_template(config, tokenizer, target, f"{key}.chat_template")
    _check_tokenizer(tokenizer, target, f"{key}.path")
    model = AutoConfig.from_pretrained(target)
    return Outputs(
        facts={
            "source": config.path,
            "revision": None if local.is_dir() else source.name,  # the commit of a snapshot
            "model_type": model.model_type,
            "vocabulary": len(tokenizer),
            "chat_template": origin,
            "chat_tokens_added": added,
            "positions": read_window(target / "config.json"),
        }
    )


def _download(config: PretrainedConfig, key: str) -> Path:
    """The hub's snapshot, from the local cache where it is complete."""
    try:
        return Path(snapshot_download(config.path, revision=config.revision, allow_patterns=FILES))
    except (OSError, ValueError, HfHubHTTPError) as error:
        reason = (str(error).strip().splitlines() or [""])[0]
        raise UsageError(
            f"{key}={config.path}: no such folder here (looked from {Path.cwd()}), and the Hugging "
            f"Face hub gave {type(error).__name__}: {reason}\n"
            f"{EXPECTED} in a folder, or the name of a model on the hub. Check the name and the "
            "network; a private or gated model needs HF_TOKEN; without a network, download it "
            f"elsewhere and set {key}=FOLDER"
        ) from error


def _check(source: Path, path: str, key: str) -> None:
    names = sorted(file.name for file in source.iterdir() if file.is_file())
    if "config.json" in names and any(name.endswith(".safetensors") for name in names):
        return
    pickled = [name for name in names if name.endswith((".bin", ".pt", ".pth"))]
    advice = (
        f"{pickled[0]} is a pickle and is not read: load and save it with transformers first"
        if pickled
        else "give the folder that save_pretrained wrote"
    )
    raise UsageError(f"{key}={path}: {EXPECTED}, found {names or 'nothing'}: {advice}")


def _take(source: Path, target: Path, link: bool) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for pattern in FILES:
        for file in source.glob(pattern):
            _place(file.resolve(), target / file.name, link and pattern == WEIGHTS)


def _place(file: Path, target: Path, link: bool) -> None:
    target.unlink(missing_ok=True)  # left by an attempt that was killed
    if link:
        try:
            os.link(file, target)
            return
        except OSError:  # another file system, or one without hard links
            pass
    shutil.copyfile(file, target)


def _give_template(
    config: PretrainedConfig, tokenizer: PreTrainedTokenizerBase, target: Path, key: str
) -> str:
    """Settle the chat template and say whose it is: `given`, the `model`'s or the `recipe`'s."""
    if config.chat_template and config.chat_template != RECIPE:
        file = Path(config.chat_template).expanduser()
        if not file.is_file():
            raise UsageError(
                f"{key}={config.chat_template}: no such file; expected a .jinja file or `{RECIPE}`"
            )
        template, origin = file.read_text(), "given"
    elif tokenizer.chat_template and config.chat_template is None:
        return "model"
    else:
        template, origin = _own_ends(CHAT_TEMPLATE, tokenizer), RECIPE
    (target / TEMPLATE).write_text(template)
    return origin


def _own_ends(template: str, tokenizer: PreTrainedTokenizerBase) -> str:
    """The recipe's template with the token at which the model stops, and the one it begins with."""
    begins = tokenizer.bos_token if tokenizer("a").input_ids[0] == tokenizer.bos_token_id else ""
    return f"{begins}{template.replace(END, tokenizer.eos_token or END)}"


def _check_tokenizer(source: PreTrainedTokenizerBase, target: Path, key: str) -> None:
    """The published tokenizer encodes as the source's, ends a turn, and renders a question."""
    tokenizer = AutoTokenizer.from_pretrained(target)
    if tokenizer.eos_token is None:
        raise UsageError(f"{key}: the tokenizer has no eos_token; set one in tokenizer_config.json")
    same = all(tokenizer(text).input_ids == source(text).input_ids for text in PROBE)
    if not same:
        raise UsageError(f"{key}: the tokenizer needs files beside {', '.join(FILES)} to load")
    try:
        render_prompt(tokenizer, [{"role": "user", "content": "3 + 4 = ?"}])
    except Exception as error:  # jinja's own errors, or the template's raise_exception
        raise UsageError(
            f"{key}: its chat template cannot render a question ({type(error).__name__}: {error}); "
            "set chat_template to a .jinja file that can"
        ) from error
