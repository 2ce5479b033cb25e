"""General SFT rows: writing, questions, greetings; thinking for some, none for trivial ones.

Paper (B.3.3): ~200k rows of writing, factual questions, self-knowledge and translation,
part of them with a thought that DeepSeek-V3 wrote first; "hello" gets none. Here:

    data_from: [my_rows]              conversations, e.g. of conf/data/long_cot.yaml
    data_from: [my_rows, writer]      and a model that thinks before the answers they have
    rows: {thoughtful: 300, direct: 40}    without conversations on data_from: of the tiny world,
                                           half in each language

A thought that a row has stays. With a model, `thinking.share` of the other rows get one, trivial
ones none (stages/rewriting/thinking.py); a row is left out when its thought cannot be used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pipeline.artifact import Artifact, Inputs, of_type
from pipeline.context import Context
from pipeline.errors import RecipeError
from pipeline.kinds import Outputs
from stages.kinds.general.kind import GeneralConfig, rules
from stages.rewriting.thinking import CHOSEN, sort_out, thought_jobs, with_thoughts
from stages.rollout.fleet import Fleet
from stages.rows.schemas import CONVERSATION, Row, read_rows, write_rows
from stages.sampling.collect import Collector, fitting, shown_on
from stages.settings.values import refuse
from stages.tiny.phrases import LANGUAGES
from stages.tiny.worked import direct, thoughtful
from stages.verifiers.answer import parse
from stages.verifiers.pool import VerifierPool

SOURCES = {"thoughtful": thoughtful, "direct": direct}
PROMPT_TOO_LONG = "prompt_too_long"


def run(config: GeneralConfig, inputs: Inputs, context: Context) -> Outputs:
    """Publish the conversations of `data_from` or of the tiny world, some with a thought added."""
    key = f"stages.{context.stage}"
    models = of_type(inputs, "data_from", "model")
    given = of_type(inputs, "data_from", "conversations")
    refuse(rules(config, bool(given)), key)
    rows = [row for one in given for row in read_rows(one.rows_path)]
    rows = rows if given else _tiny(config, context.seed)
    asked = len(rows) if given else sum(config.rows.values())
    if not rows:
        raise RecipeError(f"{key}.data_from: {', '.join(one.stage for one in given)} has no rows")
    verdicts = sort_out(rows, config.thinking, context.seed)
    dropped: Counter[str] = Counter()
    kept = rows
    if models:
        kept = _think(rows, verdicts, models[0], config, context, dropped)
    if not kept:
        raise RecipeError(f"{key}: no row is left ({dict(dropped)}); see {key}.thinking")
    write_rows(context.output / "rows.parquet", kept, CONVERSATION)
    funnel = {"asked": asked, "not_that_many": asked - len(rows), **dropped, "kept": len(kept)}
    return Outputs(_facts(kept, verdicts, bool(models)), funnel)


def _tiny(config: GeneralConfig, seed: int) -> list[Row]:
    """The asked rows of each source, split evenly over the languages."""
    rows: list[Row] = []
    for source, count in config.rows.items():
        for place, language in enumerate(LANGUAGES):
            share = (count + place) // len(LANGUAGES)
            rows += SOURCES[source](language, share, seed)
    return rows


def _think(
    rows: Sequence[Row],
    verdicts: Sequence[str],
    model: Artifact,
    config: GeneralConfig,
    context: Context,
    dropped: Counter[str],
) -> list[Row]:
    """All rows in their order, the chosen ones with a thought or not at all."""
    chosen = [row for row, verdict in zip(rows, verdicts, strict=True) if verdict == CHOSEN]
    engine = Fleet.open(model.model_path, config.rollout, context.threads, engines=context.engines)
    jobs = thought_jobs(chosen, engine.tokenizer, config.thinking, config.system_prompt)
    room = config.sampling.max_tokens + max((len(job.prefix_ids) for job in jobs), default=0)
    key = f"stages.{context.stage}.sampling.max_tokens"
    fit = fitting(jobs, model.model_path, room, key)
    fits = {id(job) for job in fit}
    asked = [row for row, job in zip(chosen, jobs, strict=True) if id(job) in fits]
    dropped[PROMPT_TOO_LONG] += len(jobs) - len(fit)
    with engine, VerifierPool.of(config.verifiers) as pool:
        collector = Collector.of(engine, pool, model, config, context)  # type: ignore[arg-type]
        new = with_thoughts(asked, fit, collector, config.thinking, dropped, shown_on(context))
        dropped.update(engine.mishaps)
        by_row = {id(row): thought for row, thought in zip(asked, new, strict=True)}
    kept = (
        by_row.get(id(row)) if verdict == CHOSEN else row
        for row, verdict in zip(rows, verdicts, strict=True)
    )
    return [row for row in kept if row is not None]


def _facts(kept: Sequence[Row], verdicts: Sequence[str], thinks: bool) -> dict[str, object]:
    facts = {
        "rows": len(kept),
        "rows_by_language": dict(Counter(row["language"] for row in kept)),
        "rows_by_source": dict(Counter(row["source"] for row in kept)),
        "with_thought": sum(bool(parse(row["completion"]).reasoning) for row in kept),
    }
    return {**facts, "thinking": dict(Counter(verdicts))} if thinks else facts
