"""What the tiny world writes after a thought, from the cold start on.

A verifier that reads one final answer finds it boxed in a sentence, "so it is \\boxed{5}."; for one
that reads the whole response (a program, what an instruction asks for) the answer stands alone.
"""

from __future__ import annotations

from stages import verifiers
from stages.tiny.phrases import Sentence, translate_words
from stages.verifiers.verdict import ANSWER


def summary(verifier: str, answer: str, language: str) -> str:
    """The answer as the task's verifier finds it, said in `language`, whichever it was given in."""
    if verifiers.load(verifier).READS != ANSWER:
        return answer
    said = translate_words(answer, language)
    return Sentence("so", {"a": f"\\boxed{{{said}}}"}).say(language)
