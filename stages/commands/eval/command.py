"""`r1 eval MODEL… BENCHMARK…`: judge any checkpoint on any benchmark, by the recipe's own stages.

    r1 eval r1 heldout                                   a stage of the recipe on its own problems
    r1 eval r1 gsm8k math500 mgsm_zh -k 4 --limit 200    real sets, from the Hugging Face hub
    r1 eval r1 gsm8k:test.jsonl mgsm_zh:mgsm_zh.tsv      the same from local files
    r1 eval Qwen/Qwen2.5-0.5B problems:mine.jsonl        another model, your own problems
    r1 eval dev1 r1 heldout                              two models, and their difference
    r1 eval dev1 r1 heldout 'seeds=[0,1,2]'              the same for each seed, and over all
    r1 eval ./checkpoint aime2024 math500 --paper        as the paper evaluates
    r1 eval tiny@http://localhost:8000/v1 heldout        a chat model behind a server

MODEL is a stage of the recipe, the folder of an artifact or of a Hugging Face checkpoint, a hub
name, or NAME@URL: what an OpenAI-compatible server (vLLM, SGLang, a provider) calls by this name.
Its key is taken from the environment variable OPENAI_API_KEY, or the one that server.api_key_env=…
names; server.concurrency and its like are in conf/config.yaml. `rollout=vllm` and other keys of
`rollout` choose the engine of these evaluations alone: no model is made again for it.
BENCHMARK is a stage of the recipe
that makes problems, or an option of `conf/data`, with a file after a colon where its rows shall
come from. Both become stages beside the recipe's and run like any other: a result that is there is
not made again, and of a new one only the samples are drawn that no stage has drawn from this model
in this way.

How answers are sampled is taken from the stage of the recipe that evaluates the first MODEL, or
else from the recipe's first evaluation; all models are sampled alike. `--paper` takes the paper's
way: temperature 0.6, top-p 0.95, 32,768 tokens, and of each benchmark its own number of samples (64
of AIME, 16 of MATH-500; `samples` in conf/data), which profile=paper takes too. `-k` is stronger.

With several models, each is compared with the first on the problems that both were asked: the
difference of every metric with a 95 % interval from resampling problems, and a sign test. Of
several seeds each is a line of its own (of a model that all share, other samples of it), and
intervals are over problems and seeds.

`--json` prints {"evaluations": {BENCHMARK: {MODEL: facts}}, "differences": {BENCHMARK: {MODEL:
{METRIC: {"difference", "low", "high", "n", "higher", "lower", "sign_test"}}}}}; a difference that
cannot be told is null and has a "reason".
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import sys
from collections.abc import Sequence

from pipeline.overrides import parsed
from pipeline.run_command import execute
from stages.commands.eval.request import read_request
from stages.commands.eval.results import keep, made_before, read_results, tables
from stages.project import R1

PROJECT = dataclasses.replace(
    R1, preload="stages.commands.eval.command:PRELOAD", observer=None, report=None, closing=None
)
PRELOAD = (
    "torch",
    "transformers",
    "transformers.models.qwen2.modeling_qwen2",
    "transformers.models.llama.modeling_llama",
)


def main(argv: Sequence[str]) -> int:
    """Run what is not there yet, then print tables or JSON. Returns the exit code."""
    options = _parse(argv)
    request = read_request(PROJECT, options)
    before = made_before(PROJECT, request)
    composed = dataclasses.replace(request.composed, command=("r1", "eval", *argv))
    with contextlib.redirect_stdout(sys.stderr):
        code = execute(PROJECT, composed)
    if code:
        return code
    results = read_results(PROJECT, request, before)
    keep(request, results)
    if options.json:
        print(json.dumps(dataclasses.asdict(results), indent=1, ensure_ascii=False))
    else:
        print("\n".join(tables(request, results)))
    return 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="r1 eval",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="%(prog)s [-h] [-k K] [--limit LIMIT] [--paper] [--json] MODEL… BENCHMARK… [KEY=…]",
    )
    parser.add_argument("words", metavar="MODEL… BENCHMARK…", nargs="+", help="and Hydra overrides")
    parser.add_argument("-k", type=_positive, help="samples per problem")
    parser.add_argument("--limit", type=_positive, help="problems per benchmark, at most")
    parser.add_argument("--paper", action="store_true", help="sample as the paper does")
    parser.add_argument(
        "--revision", help="of models from elsewhere: the hub's; any word for a server's weights"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parsed(parser, argv)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)
