"""General SFT rows: writing, questions, greetings; thinking for some, none for trivial ones.

Paper (2.3.3; v2 3.1): ~200k rows of writing, factual questions, self-knowledge and translation,
part of them with a thought that DeepSeek-V3 wrote first; "hello" gets none. Here:

    rows: {thoughtful: 300, direct: 40}    of the tiny world, half in each language
    path: mine.jsonl                       your own: {"messages": [{"role": "user", …}, …]}

In your own rows the last message is the assistant's and is learnt whole, thoughts included.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from pipeline.artifact import Inputs
from pipeline.context import Context
from pipeline.errors import UsageError
from pipeline.kinds import Outputs
from stages.configs import GeneralConfig
from stages.data.formats import messages_of
from stages.data.rows import CONVERSATION, Row, write_rows
from stages.data.sources import BadRow, Raw, read_own_rows
from stages.tiny.phrases import LANGUAGES
from stages.tiny.worked import direct, thoughtful
from stages.verifiers.answer import parse

SOURCES = {"thoughtful": thoughtful, "direct": direct}


def run(config: GeneralConfig, inputs: Inputs, context: Context) -> Outputs:
    """Publish conversations of the tiny world or of the user's file."""
    key = f"stages.{context.stage}"
    if config.path is not None:
        rows = list(read_own_rows(Path(config.path), f"{key}.path", _conversation))
        asked = len(rows)
    else:
        rows = _tiny(config, key, context.seed)
        asked = sum(config.rows.values())
    if not rows:
        raise UsageError(
            f"{key}: no rows; set {key}.rows, e.g. {{{', '.join(f'{s}: 100' for s in SOURCES)}}}, "
            f"or {key}.path"
        )
    write_rows(context.output / "rows.parquet", rows, CONVERSATION)
    thinking = sum(bool(parse(row["completion"]).reasoning) for row in rows)
    facts = {
        "rows": len(rows),
        "rows_by_language": dict(Counter(row["language"] for row in rows)),
        "with_thought": thinking,
    }
    return Outputs(facts, {"asked": asked, "not_that_many": asked - len(rows), "kept": len(rows)})


def _tiny(config: GeneralConfig, key: str, seed: int) -> list[Row]:
    """The asked rows of each source, split evenly over the languages."""
    if unknown := set(config.rows) - set(SOURCES):
        raise UsageError(f"{key}.rows: unknown {sorted(unknown)}; expected {', '.join(SOURCES)}")
    rows: list[Row] = []
    for source, count in config.rows.items():
        for place, language in enumerate(LANGUAGES):
            share = (count + place) // len(LANGUAGES)
            rows += SOURCES[source](language, share, seed)
    return rows


def _conversation(number: int, row: Raw) -> Row:
    """A user's row of messages as prompt and completion."""
    *prompt, last = messages_of(row, "messages")
    if last["role"] != "assistant" or not prompt:
        raise BadRow("`messages` must end with the assistant's answer to a message")
    return {
        "id": str(row.get("id") or f"general-{number:06d}"),
        "domain": row.get("domain") or "general",
        "language": row.get("language") or "en",
        "prompt": prompt,
        "completion": last["content"],
        "source": row.get("source") or "file",
    }
