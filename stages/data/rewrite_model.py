"""A model that rewrites samples, through the engine (paper, B.3.2: DeepSeek-V3).

It is asked once a sample, in the question's language, and answers

    <thought> the thought, rewritten </thought> <summary> the way and the final answer </summary>

The thought becomes the `<think>` part of the new completion and the summary what follows it, in
which the verifier looks for the final answer (`\\boxed{}`) or reads all. Thoughts of the rewriter's
own before that are left out. A reply in any other form is no rewriting, nor is one that was cut at
its limit; a request too long for the rewriter's window is not made. Replies are kept in the ledger
of the rewriter, so a killed stage asks for none twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.artifact import Artifact
from pipeline.context import Context
from pipeline.errors import UsageError
from stages.configs import Rewrite, SampleConfig
from stages.data.collect import Collector, Job, Progress, fitting, shown_on
from stages.data.rows import Row
from stages.data.template import END_THINK, compose, render_prompt
from stages.rewards.language import asked, target_of
from stages.rollout.fleet import Fleet
from stages.verifiers.pool import VerifierPool

OTHERS = "en"  # the prompt for languages that have none
BLANKS = ("{question}", "{thought}", "{answer}")
_BLANK = re.compile(r"\{(question|thought|answer)\}")
_REPLY = re.compile(
    r"\s*<thought>(?P<thought>.*?)</thought>\s*<summary>(?P<summary>.*?)</summary>\s*", re.DOTALL
)


def check_prompts(prompts: Mapping[str, str], key: str) -> None:
    """Refuse prompts that leave out what is to be rewritten."""
    if OTHERS not in prompts:
        raise UsageError(f"{key}: found {sorted(prompts)}, expected `{OTHERS}` among them")
    for language, prompt in prompts.items():
        if lacking := [blank for blank in BLANKS if blank not in prompt]:
            raise UsageError(f"{key}.{language}: lacks {', '.join(lacking)}")


class ModelRewriter:
    """Asks a model; see the module's docstring."""

    def __init__(
        self, collector: Collector, model_path: Path, rewrite: Rewrite, progress: Progress
    ) -> None:
        self._collector, self._model_path = collector, model_path
        self._rewrite, self._progress = rewrite, progress

    @classmethod
    def of(
        cls, fleet: Fleet, model: Artifact, config: SampleConfig, context: Context
    ) -> ModelRewriter:
        """A stage's rewriter. The pool starts no worker: replies are not judged, rewritings are."""
        asking = replace(config, sampling=config.rewrite.sampling)
        collector = Collector.of(fleet, VerifierPool(1), model, asking, context)
        return cls(collector, model.model_path, config.rewrite, shown_on(context))

    def __call__(self, rows: Sequence[Row]) -> list[str | None]:
        """The new completion of each sample, or None."""
        jobs = [self._job(row, number) for number, row in enumerate(rows)]
        limit, key = self._rewrite.sampling.max_tokens, "rewrite.sampling.max_tokens"
        jobs = fitting(jobs, self._model_path, limit, key)
        completions: list[str | None] = [None] * len(rows)
        replies = self._collector.rows(jobs, self._progress)
        for job, (reply,) in zip(jobs, replies, strict=True):
            if reply["finish_reason"] == "stop":
                completions[job.problem["number"]] = read_reply(reply["completion"])
        return completions

    def _job(self, row: Row, number: int) -> Job:
        prompts = self._rewrite.prompts
        parts = {"question": asked(row), "thought": row["reasoning"], "answer": row["answer"] or ""}
        prompt = prompts.get(target_of(row), prompts[OTHERS])
        text = _BLANK.sub(lambda blank: parts[blank[1]], prompt)
        tokenizer = self._collector.engine.tokenizer
        rendered = render_prompt(tokenizer, [{"role": "user", "content": text}])
        ids = tokenizer(rendered, add_special_tokens=False).input_ids
        return Job(row | {"verifier": "", "number": number}, ids, 1)


def read_reply(reply: str) -> str | None:
    """The completion that a reply makes, or None if it has another form."""
    match = _REPLY.fullmatch(reply.rpartition(END_THINK)[2])
    if match is None:
        return None
    thought, summary = match["thought"].strip(), match["summary"].strip()
    return compose(thought, summary) if thought and summary else None
