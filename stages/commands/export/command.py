"""`r1 export STAGE DIR`: a finished model as a plain Hugging Face folder, with a model card.

    r1 export r1 ./my-r1                     weights, tokenizer, chat template, README.md
    r1 export helpful_rm ./rm --json         a reward model; what was written, as JSON
    r1 export student_qwen ./mine seed=1     of the run with these overrides

STAGE makes a model or a reward model. Adapters (LoRA) are merged. DIR must not be there yet, or be
empty; it appears whole or not at all. README.md is written from the manifests: what the model goes
back to, its data, where its training departs from the paper, what every evaluation in the store
found of it, with 95 % intervals, and how to run it. Overrides are those of `r1 run`.

Exit codes: 0, 1 DIR cannot be written, 2 the request is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.compose import compose
from pipeline.digests import sha256_of
from pipeline.errors import RecipeError, UsageError
from pipeline.overrides import parsed
from pipeline.situation import finished, survey
from stages.commands.export.card import Card, write_card
from stages.commands.export.lineage import Lineage
from stages.project import R1

EXPORTED = ("model", "reward_model")
CARD = "README.md"


def main(argv: Sequence[str]) -> int:
    """Write the folder; returns the exit code."""
    options = _parse(argv)
    _check_free(options.folder)
    situation = survey(R1, compose(R1, options.overrides))
    artifact = finished("export", options.stage, EXPORTED, situation)
    lineage = Lineage.of(artifact, situation.store)
    card = write_card(Card.of(artifact, lineage, situation))
    _write(artifact.model_path, card, options.folder)
    files = sorted(options.folder.iterdir())
    if options.json:
        said: dict[str, Any] = {"stage": artifact.stage, "type": artifact.type}
        said["fingerprint"] = artifact.fingerprint
        evaluations = {one.stage: one.facts for one in lineage.evaluations}
        said |= {"folder": str(options.folder), "evaluations": evaluations}
        said["files"] = {
            path.name: {"bytes": path.stat().st_size, "sha256": sha256_of(path)} for path in files
        }
        print(json.dumps(said, indent=1, ensure_ascii=False))
        return 0
    size = sum(path.stat().st_size for path in files) / 1e6
    print(f"{options.folder}: {len(files)} files, {size:.1f} MB. How to run it: {CARD} there")
    return 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="r1 export",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("stage", metavar="STAGE", help="whose model is exported")
    parser.add_argument("folder", metavar="DIR", type=Path, help="a new folder")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("overrides", nargs="*", help="Hydra overrides, key=value")
    options = parsed(parser, argv)
    options.folder = options.folder.expanduser()
    return options


def _check_free(folder: Path) -> None:
    """Nothing is written over: the folder is absent, or empty."""
    if not os.path.lexists(folder):
        return
    if not folder.is_dir() or any(folder.iterdir()):
        raise UsageError(f"DIR {folder}: is there already, and is not written over: name a new one")


def _write(model: Path, card: str, folder: Path) -> None:
    """Copy the files aside, then rename: a folder that is there is whole."""
    folder = folder.absolute()
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    try:
        aside.mkdir(parents=True)
        for file in sorted(model.iterdir()):
            if file.is_file():
                shutil.copyfile(file, aside / file.name)  # its mode is the umask's
        (aside / CARD).write_text(card, encoding="utf-8")
        aside.rename(folder)
    except OSError as error:
        raise RecipeError(f"DIR {folder}: cannot be written ({error.strerror})") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
