"""The tiny world's rewriter: a right sample's thought in the question's language, summed up.

In the paper a model rewrites the samples of R1-Zero and people check them (B.3.2). Here a thought
is made of known phrases, so it can be translated sentence by sentence. The result is verified again
by the caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stages.chat.template import compose
from stages.tiny.phrases import translate
from stages.tiny.summary import summary


def rewrite(row: Mapping[str, Any]) -> str | None:
    """The completion in the question's language, with a summary; None if unreadable.

    row: a sample row (stages/rows/schemas.py) with `reasoning`, `answer`, `language` and
    `verifier`.
    """
    thought = translate(row["reasoning"], row["language"])
    if not thought:
        return None
    return compose(thought, summary(row["verifier"], row["answer"], row["language"]))
