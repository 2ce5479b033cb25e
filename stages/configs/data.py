"""Rows: problems, conversations, and what is made of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from stages.configs.common import (
    Rollout,
    Sampling,
    StageConfig,
    Verifiers,
    from_root,
    outside_file,
    placement,
)


@dataclass
class ProblemsConfig(StageConfig):
    """Problems of the tiny world, generated from a seed. split: `train` or `heldout`."""

    split: str = MISSING
    per_domain: dict[str, int] = field(default_factory=dict)
    languages: list[str] = field(default_factory=lambda: ["en", "zh"])


@dataclass
class ReasoningGymConfig(StageConfig):
    """Problems that reasoning-gym generates. split: `train` or `heldout`."""

    split: str = MISSING
    tasks: list[str] = field(default_factory=list)
    per_task: int = MISSING  # problems of each
    settings: dict[str, Any] = field(default_factory=dict)  # name → the task's own configuration


@dataclass
class DatasetConfig(StageConfig):
    """A real data set as problems: `format` names its reader, `path` a local file or a hub name."""

    format: str = MISSING
    path: str = outside_file(MISSING)  # a file, a folder of files, or a hub name
    subset: Any = None  # a hub configuration, e.g. "main" of openai/gsm8k, or a list of them
    split: str = "train"  # a hub split; of local files only MBPP's, which holds all splits, has one
    limit: int | None = None
    language: str | None = "en"  # of rows without one; null: that of their prompt
    without_reference: str = "error"  # or drop, or keep (for labels by majority vote): such rows
    preference: str | None = None  # or helpful, or safety: what its general queries ask for
    samples: int | None = placement(None)  # per problem, as the paper evaluates this benchmark


@dataclass
class ConversationsConfig(StageConfig):
    """Long chains of thought of others as conversations: a local file or a hub name.

    columns: prompt, completion, thought, reference or turns → the file's own column.
    """

    path: str = outside_file(MISSING)
    subset: str | None = None  # a hub configuration
    split: str = "train"  # a hub split; ignored for a local file
    limit: int | None = None
    columns: dict[str, str] = field(default_factory=dict)  # empty: found by their usual names
    domain: str = "general"  # of rows without one
    language: str | None = None  # of rows without one; null: that of their prompt
    verifier: str | None = None  # judges rows that carry a reference
    verifiers: Verifiers = from_root(Verifiers, "verifiers")


@dataclass
class MixturePart:
    """What a part of a mixture takes: rows that match every list that is not empty.

    rows, tokens: at most so many. share: its proportion; all parts have one, or none has.
    """

    stages: list[str] = field(default_factory=list)
    domains: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    rows: int | None = None
    tokens: int | None = None
    share: float | None = None


@dataclass
class MixtureConfig(StageConfig):
    """Rows of several stages as one set; a row goes to the first part that it matches."""

    parts: dict[str, MixturePart] = field(default_factory=dict)  # empty: every row
    shares_of: str = "rows"  # or tokens


@dataclass
class Difficulty:
    """Which questions are hard enough: how often the best of the judging models solved them."""

    min_pass_rate: float = 0.0
    max_pass_rate: float = 1.0
    require_rate: bool = False  # leaves out questions that no model was asked
    min_tokens: int = 0  # of the completion


@dataclass
class Diversity:
    """How rows are drawn: a cell at random, then a rank by length with the weight base^-rank."""

    by: list[str] = field(default_factory=list)  # columns or metadata.<name>; empty: one cell
    length_base: float = 2.0  # 1: every rank alike
    draws: int = 1  # of which the least similar to those before it is taken


@dataclass
class SelectConfig(StageConfig):
    """A few rows by quality, difficulty and diversity (s1: arXiv 2501.19393, 2.2)."""

    rows: int = MISSING
    filters: list[str] = field(default_factory=list)
    min_language_consistency: float = 0.0
    max_paragraph_characters: int = 4000
    max_repetition: float = 0.5
    difficulty: Difficulty = field(default_factory=Difficulty)
    diversity: Diversity = field(default_factory=Diversity)


@dataclass
class Trivial:
    """Which questions need no thought: small talk, or a short question with a short answer."""

    small_talk: list[str] = field(default_factory=list)  # how it begins
    small_talk_words: int = 0  # and its length at most
    question_words: int = 0
    answer_words: int = 0


@dataclass
class Thinking:
    """Thoughts that a model adds before the answers of general rows, and which can be used."""

    share: float = 0.0  # of the rows that have no thought and are not trivial
    trivial: Trivial = field(default_factory=Trivial)
    prompt: str = "{question}"  # what the model is asked; {answer} is the answer that the row has
    samples_per_row: int = 1  # the first thought that can be used is taken
    filters: list[str] = field(default_factory=list)
    min_language_consistency: float = 0.0
    max_paragraph_characters: int = 4000
    max_repetition: float = 0.5


@dataclass
class GeneralConfig(StageConfig):
    """General SFT rows: thinking for some, none for trivial ones (paper, B.3.3)."""

    rows: dict[str, int] = field(default_factory=dict)  # of the tiny world: source → how many
    thinking: Thinking = field(default_factory=Thinking)
    sampling: Sampling = field(default_factory=Sampling)
    rollout: Rollout = from_root(Rollout, "rollout")
    system_prompt: str | None = None
    verifiers: Verifiers = from_root(Verifiers, "verifiers")


@dataclass
class CleanConfig(StageConfig):
    """Rows of `data_from` without repetitions, and without anything of `apart_from`.

    The thresholds are similarities; null leaves that check out (docs/data_hygiene.md).
    """

    ngram: int = MISSING  # units: words, numbers, characters of an unspaced script
    min_words: int = MISSING  # units of an n-gram that are no numbers, at least
    boilerplate_items: int = MISSING  # an n-gram in more items of a benchmark identifies none
    shingle: int = MISSING  # units in a shingle, for near duplicates
    near_duplicate: float | None = MISSING  # Jaccard similarity of shingles
    paraphrase: float | None = MISSING  # cosine of prompts
    paraphrase_same_numbers: float | None = MISSING  # the same, where the numbers are the same
