"""Preference rewards: a trained reward model reads a response and gives one number.

The helpful model reads the summary only, which is all that stands after the thought, and the safety
model the whole response, thought included (paper, section 3.1; v1, 2.3.4). Scores are the model's
raw output, put to mean 0 and deviation 1 when the reward model's facts say what its scores look
like (`score_mean`, `score_std`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.artifact import Artifact
from pipeline.errors import UsageError
from stages.data.template import END, Message, render_prompt
from stages.rewards.prose import shows
from stages.verifiers.answer import DEFAULT, Policy, parse

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

BATCH = 64  # responses per forward pass; does not change scores beyond rounding

#: What a reward model reads → the reward term that it serves.
TERM_OF = {"answer": "helpful", "response": "safety"}


def reward_text(prompt: str, completion: str, reads: str, policy: Policy = DEFAULT) -> str | None:
    """What a reward model sees: the rendered prompt and the response, or only its summary.

    A summary is what stands after the thought, out of its answer tag if it has one. None when it
    is to be read and shows nothing. Training and scoring both use this.
    """
    if reads == "response":
        return f"{prompt}{completion}{END}"
    summary = parse(completion, policy).response or ""
    return f"{prompt}{summary}{END}" if shows(summary) else None


class Scorer:
    """Scores responses with the model of one reward_model artifact; `policy` finds the thoughts."""

    def __init__(
        self,
        model_path: Path,
        reads: str,
        max_length: int | None = None,
        mean: float = 0.0,
        std: float = 1.0,
        policy: Policy = DEFAULT,
    ) -> None:
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        if reads not in TERM_OF:
            raise UsageError(f"a reward model scores `answer` or `response`, not {reads!r}")
        self.reads, self.policy = reads, policy
        self.mean, self.std = mean, std or 1.0
        self._tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(model_path)
        self._tokenizer.truncation_side = "left"  # the answer is at the end
        self._tokenizer.padding_side = "right"
        self._model = AutoModelForSequenceClassification.from_pretrained(model_path, num_labels=1)
        self._model.config.pad_token_id = self._tokenizer.pad_token_id
        self._model.eval()
        longest = self._model.config.max_position_embeddings
        self._max_length = min(max_length or longest, longest)

    @classmethod
    def of(cls, artifact: Artifact, policy: Policy) -> Scorer:
        """The scorer of a published reward model."""
        facts, config = artifact.facts, artifact.manifest.get("config", {})
        return cls(
            artifact.model_path,
            facts["scores"],
            config.get("max_length"),
            facts.get("score_mean", 0.0),
            facts.get("score_std", 1.0),
            policy,
        )

    def readable(self, completion: str) -> bool:
        """Whether there is something in a completion that this model reads."""
        return reward_text("", completion, self.reads, self.policy) is not None

    def render(self, messages: Sequence[Message]) -> str:
        """A prompt as this model was trained to see it."""
        return render_prompt(self._tokenizer, messages)

    def score(self, prompts: Sequence[str], completions: Sequence[str]) -> list[float]:
        """One score per completion of a rendered prompt.

        A completion without a summary gets the lowest score of its batch from a model that reads
        summaries: having nothing to read must not pay better than a bad answer.
        """
        pairs = zip(prompts, completions, strict=True)
        texts = [reward_text(p, c, self.reads, self.policy) for p, c in pairs]
        readable = [number for number, text in enumerate(texts) if text is not None]
        raw = self._raw([text for text in texts if text is not None])
        found = {n: (s - self.mean) / self.std for n, s in zip(readable, raw, strict=True)}
        lowest = min(found.values(), default=0.0)
        return [found.get(number, lowest) for number in range(len(texts))]

    def _raw(self, texts: list[str]) -> list[float]:
        """Model outputs in order; batches are of like length, to waste little padding."""
        import torch

        scores = [0.0] * len(texts)
        order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
        for start in range(0, len(order), BATCH):
            numbers = order[start : start + BATCH]
            batch = self._tokenizer(
                [texts[n] for n in numbers],
                add_special_tokens=False,
                max_length=self._max_length,
                truncation=True,
                padding=True,
                return_tensors="pt",
            )
            with torch.inference_mode():
                logits = self._model(
                    input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]
                ).logits
            for number, score in zip(numbers, logits[:, 0].float().tolist(), strict=True):
                scores[number] = score
        return scores


def load_scorers(artifacts: Iterable[Artifact], policy: Policy) -> dict[str, Scorer]:
    """The reward models of an RL stage, by the reward term that each serves."""
    scorers: dict[str, Scorer] = {}
    for artifact in artifacts:
        scorer = Scorer.of(artifact, policy)
        term = TERM_OF[scorer.reads]
        if term in scorers:
            raise UsageError(
                f"score_with: {artifact.stage} is a second reward model for the term {term}; "
                f"keep one that scores `{scorer.reads}`"
            )
        scorers[term] = scorer
    return scorers
