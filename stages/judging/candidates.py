"""Responses of a model of the recipe to the prompts of a stage, to be judged.

Two different responses to a prompt make a pair, one alone is labelled. They come through the engine
and its ledger like all samples; nobody verifies them. A response that was cut at its limit is left
out, and counted, as are two that are the same. So are prompts that are queries of the other kind:
the helpful model never scores a safety query, nor the safety model one for help (3.1).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.artifact import Artifact, Inputs, of_type
from pipeline.context import Context
from stages.judging.pairs import Candidate
from stages.rollout.fleet import Fleet
from stages.rows.query_kind import HELPFUL, SAFETY, may_judge
from stages.rows.schemas import MESSAGES, PROBLEM, Row, stream_rows, write_rows
from stages.sampling.collect import Collector, fitting, gather, in_turn, make_jobs, shown_on
from stages.verifiers.pool import VerifierPool

if TYPE_CHECKING:
    from stages.kinds.judged.kind import PreferencesConfig

CANDIDATE = pa.schema(
    [("prompt", MESSAGES), ("responses", pa.list_(pa.string())), ("source", pa.string())]
)


def draw(
    config: PreferencesConfig, inputs: Inputs, context: Context, n: int, dropped: Counter[str]
) -> Iterator[Candidate]:
    """Candidates of n responses to each prompt of `data_from`, by the model there.

    They wait in a file, since the judge's engine starts when this one has ended.
    """
    (model,) = of_type(inputs, "data_from", "model")
    with Fleet.open(
        model.model_path, config.rollout, context.threads, engines=context.engines
    ) as fleet:
        rows = _rows(config, inputs, context, n, fleet, model, dropped)
        write_rows(context.work / "candidates.parquet", rows, CANDIDATE)
    return read(context.work / "candidates.parquet")


def read(path: Path) -> Iterator[Candidate]:
    """Candidates from the file in which they wait."""
    for row in stream_rows(path):
        yield Candidate(row["prompt"], tuple(row["responses"]), row["source"])


def _rows(
    config: PreferencesConfig,
    inputs: Inputs,
    context: Context,
    n: int,
    fleet: Fleet,
    model: Artifact,
    dropped: Counter[str],
) -> Iterator[Row]:
    prompts = _prompts(config, inputs, HELPFUL if n == 2 else SAFETY, dropped)
    jobs = make_jobs(prompts, fleet.tokenizer, config.system_prompt, n)
    key = f"stages.{context.stage}.sampling.max_tokens"
    fits = fitting(jobs, model.model_path, config.sampling.max_tokens, key)
    dropped.update(prompts=len(jobs), prompt_too_long=len(jobs) - len(fits))
    dropped.update(truncated=0, same_response=0)
    collector = Collector.of(fleet, VerifierPool(1), model, config, context)  # type: ignore[arg-type]
    for job, drawn in zip(fits, collector.rows(fits, shown_on(context)), strict=True):
        responses = [sample["completion"] for sample in drawn]
        if any(sample["finish_reason"] != "stop" for sample in drawn):
            dropped["truncated"] += 1
        elif len(set(responses)) < n:
            dropped["same_response"] += 1
        else:
            row = {"prompt": job.problem["prompt"], "responses": responses}
            yield row | {"source": job.problem["source"]}


def _prompts(
    config: PreferencesConfig, inputs: Inputs, kind: str, dropped: Counter[str]
) -> list[Row]:
    """Prompts of problems and conversations, without what would have them verified."""
    asked = [
        a for type_ in ("problems", "conversations") for a in of_type(inputs, "data_from", type_)
    ]
    rows = gather(asked, None)
    suited = [row for row in rows if may_judge(kind, row)]
    dropped["other_preference"] += len(rows) - len(suited)
    rows = in_turn(suited, config.limit_prompts)
    empty = dict.fromkeys(PROBLEM.names)
    own = [{name: row[name] for name in PROBLEM.names if name in row} for row in rows]
    return [empty | row | {"verifier": "", "reference": None, "metadata": "{}"} for row in own]
