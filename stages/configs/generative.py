"""A generative judge of answers that rules cannot judge."""

from __future__ import annotations

from dataclasses import dataclass, field

from omegaconf import MISSING

from stages.configs.common import Sampling, outside_file
from stages.configs.prompts import Prompt


@dataclass
class GenerativeJudge:
    """How the model on `judge_with` judges an answer beside its reference (paper, B.3.3).

    votes: replies to each answer; more than half must say the same. max_characters: a longer answer
    is not shown. labelled: rows with known verdicts (question, reference, answer, right), on which
    the judge is measured before it may score. min_labelled: of each of right and wrong, at least.
    min_agreement: the share of them that it must judge as labelled. max_false_positives: of the
    share of wrong ones that it calls right, the upper end of the 95 % interval.
    """

    prompt: Prompt = field(default_factory=Prompt)
    sampling: Sampling = field(default_factory=Sampling)
    votes: int = MISSING
    max_characters: int = MISSING
    labelled: str = outside_file(MISSING)
    min_labelled: int = MISSING
    min_agreement: float = MISSING
    max_false_positives: float = MISSING
