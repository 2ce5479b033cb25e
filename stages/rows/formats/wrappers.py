r"""What a set puts around its questions to say how they are answered: taken off.

The recipe's own prompts say that (conf/prompt), so two would contradict each other. Of real rows:

    Answer the following multiple choice question. The last line of your response should be …
    You should output your final response letter inside \boxed{} and nothing else …
    Solve the following math problem. Make sure to put the answer (and only answer) inside \boxed{}.
    … Please reason step by step, and put your final answer within \boxed{}.
    请逐步推理，并将最终答案置于 \boxed{} 内。
    … Let's think step by step and output the final answer after "####".
    Remember to put your answer on its own line after "Answer:".

What is taken off: a first or last paragraph, or a last sentence, that speaks of an empty box, of
the last line, or of such a mark; where the row has its template (`{problem}` in it), exactly that;
and where the bare question stands in a column of its own, all around it. Of 22,509 questions of
MATH, DeepScaleR, AIME, AMC, OlymMATH, CMATH and GSM8K, which have no frames, none is changed.
"""

from __future__ import annotations

import re

LONGEST = 400  # characters of a paragraph that says how to answer
_BLANK = "{problem}"
#: An empty box or one of letters, beside a word of answering; a box alone is a blank to fill in.
_BOX = r"\\boxed\{(?:\s*\}|\{)"
_FORM = re.compile(
    rf"(?:answer|letter|reason|答案|推理).*{_BOX}|{_BOX}.*(?:answer|letter|答案)"
    r"|(?:last|final) line of your (?:response|answer)|answer on its own line after"
    r"|final answer after|write: Option Selected: X|\bconclude with\b.*\bX\b",
    re.IGNORECASE | re.DOTALL,
)
_FIRST_WORDS = re.compile(
    r"You should output your final response letter inside \\boxed\{\} and nothing else\.? ?"
    r"(?:You can first think step-by-step\.? ?)?"
)
_LAST_SENTENCE = re.compile(
    r"\s*(?:(?:Please|Let'?s|Make sure|Remember|Think|Reason)\b|请)(?=[^\n]*(?:answer|答案))"
    r"[^\n?？]{0,200}?(?:\\boxed\{\s*\}|\"####\"|\"Answer:\")[^\n?？]{0,40}\Z"
)


def unwrapped(text: str, question: str | None = None, template: str | None = None) -> str:
    """The question in a text that says how to answer it.

    question: as a column of its own has it. template: the row's, with `{problem}` where it stands.
    """
    if question and question.strip() and question.strip() in text:
        return question.strip()
    if template and template.count(_BLANK) == 1:
        before, after = template.split(_BLANK)
        if text.startswith(before) and text.endswith(after):
            return text[len(before) : len(text) - len(after)].strip()
    bare = _without_paragraphs(_FIRST_WORDS.sub("", text.strip(), count=1))
    return _LAST_SENTENCE.sub("", bare).strip() or text


def _without_paragraphs(text: str) -> str:
    """Without a first and a last paragraph that say how to answer."""
    parts = text.split("\n\n")
    if len(parts) > 1 and _is_form(parts[0]):
        parts = parts[1:]
    if len(parts) > 1 and _is_form(parts[-1]):
        parts = parts[:-1]
    return "\n\n".join(parts).strip()


def _is_form(part: str) -> bool:
    return len(part) <= LONGEST and _FORM.search(part) is not None
