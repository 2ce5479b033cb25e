"""What every engine does: token ids in, completions with seeds and log-probabilities out.

    engine = open_engine(artifact.model_path, config.rollout, context.threads)
    answers = engine.generate([GenerationRequest(prompt_ids, n=16, seed=0)], config.sampling)

Stages open a `Fleet` (fleet.py): engines in processes of their own, with the same `generate`. RL
gives its engines new weights (`sync`), and frees their memory while it trains (`sleep`, `wake`).

Sample i of a request has the seed `request.seed + i`, as in vLLM: space the seeds of requests by at
least n. Equal seeds give equal samples whatever else is in the batch, as far as the logits agree:
another shape of a batch rounds otherwise. In float32 that is 1e-5 of a log-probability, and turns
next to no draw (none of 192 samples of the tiny base at three sizes of batch); in bfloat16 it is
0.1, and 3 % of the samples went another way at some token (4 and 5 of 192). So a model that is
published in bfloat16 has the same samples at any `rollout.batch_tokens` with rollout.dtype=float32
alone; their distribution is the same with either.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from pipeline import meter
from pipeline.errors import UsageError
from stages.rollout.collective import Meeting
from stages.settings.generation import Rollout, Sampling

PROMPT_TOO_LONG = "prompt_too_long"  # a finish reason; only a server tells so late

#: Called with the number of completions that are finished so far.
OnProgress = Callable[[int], None]


@dataclass(frozen=True)
class GenerationRequest:
    """One prompt, answered n times.

    prefix_ids: tokens the completion begins with and that are not sampled. That is how a budget is
    forced: a thought cut at its budget, then `</think>`, and the model goes on from there.
    logprobs: whether they are wanted; in vLLM, a small model spends about a tenth of its time on
    them. One call wants them for all or for none.
    """

    prompt_ids: list[int]
    n: int
    seed: int
    prefix_ids: list[int] = field(default_factory=list)
    logprobs: bool = True


@dataclass(frozen=True)
class Completion:
    """One answer.

    token_ids: what was sampled, the end token included. text: all that the assistant said, forced
    prefix and a `<think>` that ends the prompt included, special tokens not (speech.py). logprobs:
    of the sampled tokens under the policy at the sampling temperature (at 1.0 for a greedy one),
    before top-p and top-k cut anything off: what a policy gradient needs. finish_reason: `stop`
    (end token) or `length`; a server may say more.
    """

    token_ids: list[int]
    text: str
    logprobs: list[float] | None
    finish_reason: str
    seed: int


class EngineDied(Exception):
    """An engine cannot go on, through no fault of what it was asked; another one may."""


#: Completions that are finished, each with the number of its request; those of a request in order.
Finished = list[tuple[int, Completion]]


class Engine(ABC):
    """A model that generates. One `stream` or `generate` runs to its end before the next begins."""

    tokenizer: PreTrainedTokenizerBase

    @abstractmethod
    def stream(
        self, requests: Sequence[GenerationRequest], sampling: Sampling
    ) -> Iterator[Finished]:
        """n completions of each request, as they finish."""

    @abstractmethod
    def sync(self, folder: Path) -> None:
        """Take over the weights of a Hugging Face folder, which fit (weights.py has checked)."""

    @abstractmethod
    def receive(self, meeting: Meeting, rank: int) -> None:
        """Take over weights that are broadcast. rank: of this engine's first worker.

        Where it raises, the weights are neither the old ones nor the new.
        """

    def sleep(self) -> None:  # noqa: B027  # most engines need not
        """Free the GPU's memory for training; nothing where there is none."""

    def wake(self) -> None:  # noqa: B027
        """Take it back, after `sync`."""

    def generate(
        self,
        requests: Sequence[GenerationRequest],
        sampling: Sampling,
        on_progress: OnProgress | None = None,
    ) -> list[list[Completion]]:
        """n completions of each request, in the order of the requests."""
        return collected(self.stream(requests, sampling), len(requests), on_progress)


def collected(
    finished: Iterable[Finished], count: int, on_progress: OnProgress | None = None
) -> list[list[Completion]]:
    """What finishes of `count` requests, by request."""
    answers: list[list[Completion]] = [[] for _ in range(count)]
    done = 0
    for batch in finished:
        for number, completion in batch:
            answers[number].append(completion)
        done += len(batch)
        if on_progress:
            on_progress(done)
    return answers


def check_engine(rollout: Rollout) -> None:
    """Refuse an engine that there is not, before anything is started."""
    if rollout.engine not in ("transformers", "vllm", "server"):
        raise UsageError(
            f"rollout.engine is {rollout.engine!r}; expected `transformers` or `vllm` "
            "(or `server` for a served model)"
        )
    if rollout.engine == "vllm" and find_spec("vllm") is None:
        raise UsageError(
            "rollout.engine is `vllm`, which is not installed: make vllm "
            "(or pip install 'r1-recipe[vllm]'), or set rollout.engine=transformers"
        )


def tell_spent(prompts: Iterable[Sequence[int]], completions: Iterable[Sequence[int]]) -> None:
    """What an engine was asked and said, in tokens; a prompt that is run once counts once.

    prompts: none of a server, which counts them for itself.
    """
    lengths = [len(ids) for ids in completions]
    meter.count(tokens_in=sum(map(len, prompts)), tokens_out=sum(lengths), completions=len(lengths))
    meter.most(longest=max(lengths, default=0))


def check_lengths(
    requests: Sequence[GenerationRequest], sampling: Sampling, window: int | None
) -> None:
    """Refuse what the model cannot see whole: an engine never cuts a prompt or a completion.

    Stages leave such prompts out before and count them (`fitting` in stages/sampling/collect.py).
    """
    longest = max((len(r.prompt_ids) + len(r.prefix_ids) for r in requests), default=0)
    if window is not None and longest + sampling.max_tokens > window:
        raise UsageError(
            f"a prompt of {longest} tokens and sampling.max_tokens={sampling.max_tokens} do not "
            f"fit the {window} tokens that the engine sees in all; lower sampling.max_tokens, or "
            "raise rollout.max_model_tokens if the model sees more"
        )
