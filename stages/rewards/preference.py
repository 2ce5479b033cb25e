"""Preference rewards: a trained reward model reads a response and gives one number.

The helpful model reads the summary only, which is all that stands after the thought, and the safety
model the whole response, thought included (paper, section 3.1; v1, 2.3.4). Scores are the model's
raw output, put to mean 0 and deviation 1 when the reward model's facts say what its scores look
like (`score_mean`, `score_std`).

Every text is read whole: 8,192 tokens is the limit of training alone, scoring has none (3.1). What
is longer than the model's window is refused before a stage begins (windows.py); a text that comes
out longer all the same is not read, and counted.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.artifact import Artifact
from pipeline.errors import UsageError
from stages.chat.encoding import plain, token_ids
from stages.chat.template import END, Message, render_prompt
from stages.language.prose import shows
from stages.models.folder import brings_code
from stages.models.window import read_window
from stages.rewards.schedule import PREFERENCE_TERMS
from stages.verifiers.answer import DEFAULT, Policy, parse

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

#: Rows × the longest of them in a forward pass, for memory: the paper's longest response goes
#: alone, answers of 500 tokens by 64. It changes scores by rounding alone.
PASS_TOKENS = 32768

#: What there is nothing to read of scores this, and no text less: 3 deviations below the held-out
#: mean. It is fixed, so that no score depends on what else is scored with it.
LOWEST = -3.0


def paid(score: float | None) -> float:
    """The reward for a response of that score; None: there was nothing to read."""
    return LOWEST if score is None else max(LOWEST, score)


#: What a reward model reads → the reward term that it serves.
TERM_OF = {reads: term for term, reads in PREFERENCE_TERMS.items()}


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
    """Scores responses with the model of one reward_model artifact; `policy` finds the thoughts.

    bf16: half the memory, for a model that was trained so. name: its stage. The model goes to the
    GPU, where there is one, with the first text that it reads: engines may have to start before.
    """

    def __init__(
        self,
        model_path: Path,
        reads: str,
        mean: float = 0.0,
        std: float = 1.0,
        policy: Policy = DEFAULT,
        bf16: bool = False,
        name: str = "the reward model",
    ) -> None:
        import torch
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        from stages.models.quirks import attention_of

        if reads not in TERM_OF:
            raise UsageError(f"a reward model scores `answer` or `response`, not {reads!r}")
        self.reads, self.policy, self.name = reads, policy, name
        self.mean, self.std = mean, std or 1.0
        trusted = brings_code(model_path)
        self._tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            model_path, trust_remote_code=trusted
        )
        self._model = AutoModelForSequenceClassification.from_pretrained(
            model_path,
            num_labels=1,
            dtype=torch.bfloat16 if bf16 else torch.float32,
            attn_implementation=attention_of(model_path),
            trust_remote_code=trusted,
        )
        self._model.config.pad_token_id = self._tokenizer.pad_token_id
        self._model.eval()
        self.window = read_window(model_path / "config.json")
        self._texts = self._too_long = 0

    @classmethod
    def of(cls, artifact: Artifact, policy: Policy) -> Scorer:
        """The scorer of a published reward model, in the precision that it was trained in."""
        facts, config = artifact.facts, artifact.manifest.get("config", {})
        return cls(
            artifact.model_path,
            facts["scores"],
            facts.get("score_mean", 0.0),
            facts.get("score_std", 1.0),
            policy,
            config.get("precision", {}).get("bf16", False),
            artifact.stage,
        )

    def render(self, messages: Sequence[Message]) -> str:
        """A prompt as this model was trained to see it."""
        return render_prompt(self._tokenizer, messages)

    def length(self, messages: Sequence[Message]) -> int:
        """Tokens that it sees of a prompt and the end of a response, without the response."""
        return len(token_ids(self._tokenizer, [self.render(messages) + END])[0])

    def score(self, prompts: Sequence[str], completions: Sequence[str]) -> list[float]:
        """One score per completion of a rendered prompt, LOWEST at least.

        That is also what a completion gets that has nothing to read: it must not pay better than a
        bad answer.
        """
        return [paid(found) for found in self.read(prompts, completions)]

    def read(self, prompts: Sequence[str], completions: Sequence[str]) -> list[float | None]:
        """What the model says of each completion; None of one without a summary, where it reads
        summaries, and of one that it cannot see whole.
        """
        pairs = zip(prompts, completions, strict=True)
        marked = ((prompt, plain(self._tokenizer, completion)) for prompt, completion in pairs)
        texts = [reward_text(p, c, self.reads, self.policy) for p, c in marked]
        there = [number for number, text in enumerate(texts) if text is not None]
        ids = token_ids(self._tokenizer, [text for text in texts if text is not None])
        whole = [
            (number, own)
            for number, own in zip(there, ids, strict=True)
            if self.window is None or len(own) <= self.window
        ]
        self._texts += len(texts)
        self._too_long += len(there) - len(whole)
        found: list[float | None] = [None] * len(texts)
        raw = self._raw([own for _, own in whole])
        for (number, _), score in zip(whole, raw, strict=True):
            found[number] = (score - self.mean) / self.std
        return found

    def seen(self) -> tuple[int, int]:
        """Texts since the last call, and how many of them it could not see whole."""
        counts = self._texts, self._too_long
        self._texts = self._too_long = 0
        return counts

    def _raw(self, texts: list[list[int]]) -> list[float]:
        """The model's outputs, in order."""
        import torch
        from torch.nn.utils.rnn import pad_sequence

        scores = [0.0] * len(texts)
        model, device = self._model.to(_device()), _device()
        for numbers in passes([len(ids) for ids in texts], PASS_TOKENS):
            rows = [torch.tensor(texts[number], device=device) for number in numbers]
            pad = float(self._tokenizer.pad_token_id or 0)
            with torch.inference_mode():
                logits = model(
                    input_ids=pad_sequence(rows, True, pad),
                    attention_mask=pad_sequence([torch.ones_like(row) for row in rows], True),
                    use_cache=False,  # keys and values of all layers would be kept for nothing
                ).logits
            for number, score in zip(numbers, logits[:, 0].float().tolist(), strict=True):
                scores[number] = score
        return scores


def passes(lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """Numbers of texts that are run together: of like length, rows × longest within `most`.

    A text that is longer than that goes alone.
    """
    group: list[int] = []
    for number in sorted(range(len(lengths)), key=lambda n: lengths[n]):
        if group and (len(group) + 1) * lengths[number] > most:
            yield group
            group = []
        group.append(number)
    if group:
        yield group


def _device() -> torch.device:
    """This process's GPU; the CPU where there is none."""
    import torch

    if torch.cuda.is_available():
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return torch.device("cpu")


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
