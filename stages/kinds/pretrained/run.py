"""An existing checkpoint as the recipe's base: a local folder, or a name on the Hugging Face hub.

The weights are taken as they are (safetensors only: a pickled checkpoint would run code), and of
what lies beside them the files that make a model (stages/models/folder.py). What may be changed
(stages/models/changes.py):

    context         how many tokens it sees, and the base and stretching of its rotary positions
    chat_template   null: the model's own, or the recipe's in plain text where it has none
                    recipe: the recipe's; its roles and <think> become single tokens where the
                    embeddings have rows to spare. Training must teach these, so it suits SFT, as of
                    the paper's students, and not RL straight from a base
                    a file: that one

Whether it will serve all stages that come is looked at here (stages/models/fit.py), not by the
first of them that fails. Local weights are copied, since their owner may go on training them in the
same files; the hub's cache is linked.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import snapshot_download
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from pipeline.artifact import Inputs
from pipeline.context import Context
from pipeline.errors import UsageError
from pipeline.kinds import Outputs
from stages.chat.template import CHAT_TEMPLATE, END
from stages.hub.patience import patiently
from stages.hub.reasons import MODEL, told
from stages.kinds.pretrained.kind import RECIPE, PretrainedConfig
from stages.models import fit
from stages.models.changes import add_chat_tokens, change_context
from stages.models.folder import CODE, WANTED, Unfit, check_whole, taken
from stages.models.window import read_window, text_part
from stages.tiny.tokenizer import PROBE

TEMPLATE = "chat_template.jinja"


def run(config: PretrainedConfig, inputs: Inputs, context: Context) -> Outputs:
    """Publish the checkpoint at `config.path` with a chat template."""
    key, trusted = f"stages.{context.stage}", config.trust_remote_code
    local = Path(config.path).expanduser()
    target = context.output / "model"
    with _refused(f"{key}.path={config.path}"):
        source = local if local.is_dir() else _download(config, key)
        files = taken(source, trusted)
        check_whole(source)
        _take(files, target, link=not local.is_dir())
        settled = change_context(target, config.context, f"{key}.context", trusted)
        tokenizer = _load_tokenizer(target, trusted)
        _check_same(tokenizer, _load_tokenizer(source, trusted), target)
        model = fit.check_loads(target, tokenizer, trusted)
        mended = fit.mend_generation(target)
        added = add_chat_tokens(tokenizer, target) if config.chat_template == RECIPE else []
        origin = _give_template(config, tokenizer, target, f"{key}.chat_template")
        published = _load_tokenizer(target, trusted)
        _check_same(published, tokenizer, target)
        folded = _show_system(published, target)
    warnings = [text for text in (*settled, mended, folded) if text]
    for text in warnings:
        context.warn(f"{config.path}: {text}")
    return Outputs(
        facts={
            "source": config.path,
            "revision": None if local.is_dir() else source.name,  # the commit of a snapshot
            "model_type": model.model_type,
            "vocabulary": len(tokenizer),
            "chat_template": origin,
            "chat_tokens_added": added,
            "positions": read_window(target / "config.json"),
            "bytes": sum(file.stat().st_size for file in files),
            "warnings": warnings,
        }
    )


@contextmanager
def _refused(key: str) -> Iterator[None]:
    """What is wrong with the model, under the key that names it."""
    try:
        yield
    except Unfit as error:
        raise UsageError(f"{key}: {error}") from error


def _download(config: PretrainedConfig, key: str) -> Path:
    """The hub's snapshot, from the local cache where it is complete."""
    wanted = [*WANTED, CODE] if config.trust_remote_code else [*WANTED]

    def snapshot() -> str:
        return snapshot_download(config.path, revision=config.revision, allow_patterns=wanted)

    with told(key, config.path, config.revision, kind=MODEL):
        return Path(patiently(snapshot, config.hub, config.path))


def _take(files: Sequence[Path], target: Path, link: bool) -> None:
    shutil.rmtree(target, ignore_errors=True)  # left by an attempt that was killed
    target.mkdir(parents=True)
    for file in files:
        _place(file.resolve(), target / file.name, link and file.suffix == ".safetensors")


def _place(file: Path, target: Path, link: bool) -> None:
    if link:
        try:
            os.link(file, target)
            return
        except OSError:  # another file system, or one without hard links
            pass
    shutil.copyfile(file, target)


def _load_tokenizer(folder: Path, trusted: bool) -> PreTrainedTokenizerBase:
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            folder, trust_remote_code=trusted
        )
    except Exception as error:  # of any sort: files of another shape reach the library's code
        raise Unfit(
            f"its tokenizer cannot be loaded ({fit.told(error)}): put the files beside the "
            "weights that tokenizer.save_pretrained writes"
        ) from error
    if tokenizer.eos_token is None:
        raise Unfit(
            "the tokenizer has no eos_token, at which samples and rows end: set one in its "
            f'tokenizer_config.json, e.g. "eos_token": {json.dumps(_named_end(tokenizer, folder))}'
        )
    return tokenizer


def _named_end(tokenizer: PreTrainedTokenizerBase, folder: Path) -> str:
    """The token that the model's config names as its end, else a usual one."""
    facts = json.loads((folder / "config.json").read_text())
    named = text_part(facts).get("eos_token_id", facts.get("eos_token_id"))
    number = named[0] if isinstance(named, list) and named else named
    found = tokenizer.convert_ids_to_tokens(number) if isinstance(number, int) else None
    return str(found or "</s>")


def _check_same(
    published: PreTrainedTokenizerBase, before: PreTrainedTokenizerBase, target: Path
) -> None:
    """The published tokenizer encodes as the one that it came from. Raises Unfit."""
    if any(published(text).input_ids != before(text).input_ids for text in PROBE):
        names = ", ".join(sorted(file.name for file in target.iterdir()))
        raise Unfit(
            f"the tokenizer needs files beside {names} to load: save it with transformers, "
            "tokenizer.save_pretrained(FOLDER), which writes tokenizer.json"
        )


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


def _show_system(tokenizer: PreTrainedTokenizerBase, target: Path) -> str | None:
    """Make the published template show system messages; what was done. Raises Unfit."""
    folded = fit.folded_template(tokenizer)
    said = []
    if folded is not None:
        (target / TEMPLATE).write_text(folded)
        said.append("its chat template shows no system message, which now goes before the question")
    if not fit.shows_talks(tokenizer):
        said.append("its chat template does not show all turns of a talk; `recipe`'s does")
    return "; ".join(said) or None
