"""The base corpus: the skill and the vices together.

The base model stands for one that has the skill somewhere but seldom uses it. Each document is a
question and one way of dealing with it:

    plain       an answer in prose, without the tags
    direct      a tagged answer without thinking, right only by luck
    brief       a thought that jumps to its end in one step, and is often wrong
    worked      a thought step by step; a step may be wrong, and what follows inherits it
    checked     a brief thought, then "wait, check", and the careful way, whose result counts
    unfinished  a thought that rambles and never ends

Thoughts come in the question's language, in the other one, or mixed; the corpus is more careless in
Chinese than in English, as real corpora are richer in English. Nothing held out is ever shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING

from stages.chat.template import (
    ANSWER,
    ASSISTANT,
    END,
    END_ANSWER,
    END_THINK,
    THINK,
    USER,
    compose,
    tagged,
)
from stages.tiny.general import COURTESY
from stages.tiny.phrases import LANGUAGES, Sentence, say
from stages.tiny.problems import tasks
from stages.tiny.summary import summary
from stages.tiny.task import Task

if TYPE_CHECKING:
    from stages.kinds.pretrain.kind import Corpus

OTHER = {"en": "zh", "zh": "en"}
COURTEOUS_TOPICS = ("fact", "greeting")
COURTESY_SHARE = 0.3


def documents(corpus: Corpus, seed: int) -> Iterator[str]:
    """`corpus.documents` seeded texts, each `<|user|>question<|assistant|>reply<|end|>`."""
    rng = Random(f"{seed}:corpus")
    streams = {domain: tasks(domain, seed, "train") for domain in corpus.domains}
    for _ in range(corpus.documents):
        domain = _draw(rng, corpus.domains)
        language = rng.choice(LANGUAGES)
        task = next(streams[domain])
        yield document(task, language, reply(task, language, rng, corpus))


def document(task: Task, language: str, reply: str) -> str:
    return f"{USER}{task.question[language]}{ASSISTANT}{reply}{END}"


def reply(task: Task, language: str, rng: Random, corpus: Corpus) -> str:
    """One reply in a random style."""
    styles = corpus.general_styles if task.domain == "general" else corpus.styles
    style = _draw(rng, styles)
    if style == "plain":
        return _plain(task, language, rng)
    if style == "direct":
        return f"{THINK}{END_THINK}{ANSWER}{task.guess(rng, language)}{END_ANSWER}"
    spoken = _draw(rng, corpus.languages[language])
    errors = corpus.step_error
    careful = errors[_main(language, spoken)]
    if style == "unfinished":
        sentences, _ = task.attempt(rng, careful, language, False)
        ramble = [Sentence("ramble")] * rng.randint(1, 4)
        sentences = sentences[: rng.randint(0, len(sentences))] + ramble
        return THINK + _say(sentences, language, spoken, rng)
    if style == "worked":
        sentences, answer = task.attempt(rng, careful, language, False)
    else:
        sentences, answer = task.attempt(rng, errors["brief"], language, True)
    if style == "checked":
        more, answer = task.attempt(rng, errors["check"], language, False)
        sentences = [*sentences, Sentence("wait"), *more]
    return tagged(_say(sentences, language, spoken, rng), answer)


def clean_reply(task: Task, language: str, *, checked: bool) -> str:
    """A right, readable reply in the question's language, as a careful human would write it.

    It thinks and sums up, without the corpus's tags for an answer (paper, listing 1). Some are
    courteous where no instruction forbids it: that is what a flawed judge can inflate.
    """
    rng = Random(task.key)
    sentences, answer = task.attempt(rng, 0.0, language, False)
    if checked:
        first, _ = task.attempt(rng, 0.0, language, True)
        sentences = [*first, Sentence("wait"), *sentences]
    if task.topic in COURTEOUS_TOPICS and rng.random() < COURTESY_SHARE:
        answer = f"{answer} {COURTESY[language]}"
    thought = say(sentences, [language] * len(sentences))
    return compose(thought, summary(task.verifier, answer, language))


def _plain(task: Task, language: str, rng: Random) -> str:
    right = rng.random() < 0.5
    answer = task.reference[language] if right else task.guess(rng, language)
    return answer + (" " + COURTESY[language] if rng.random() < 0.3 else "")


def _main(language: str, spoken: str) -> str:
    """The language whose carelessness applies: mixed thoughts lean on English."""
    return {"own": language, "other": OTHER[language], "mixed": "en"}[spoken]


def _say(sentences: list[Sentence], language: str, spoken: str, rng: Random) -> str:
    if spoken == "mixed":
        return say(sentences, [rng.choice(LANGUAGES) for _ in sentences])
    return say(sentences, [_main(language, spoken)] * len(sentences))


def _draw(rng: Random, shares: dict[str, float]) -> str:
    return rng.choices(list(shares), weights=list(shares.values()))[0]
