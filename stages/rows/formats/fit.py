"""Whether a row is what its format reads: a name is no mathematics, an index no number.

A verifier compares what it is given, so a reference that is no answer of its kind scores 1 against
itself, and no self-check notices. Refused here, with the reason:

- what stands beside the question and is not read: options, a passage, a rubric, tools
- a row of NeMo Gym whose environment has another verifier (`agent_ref`), or whose metadata names a
  task of reasoning-gym
- words as an answer of mathematics ("darwin", "proof", "Yes"); `\\text{…}` says itself that its
  words are the answer. A label of options that stand in the question is judged as a choice

A name with a number in it ("Apollo 11") is not told from "Day 15", nor a year that answers a quiz
from a number; only a set's own columns can say that.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from stages.rows.files import Raw, UnfitRow
from stages.rows.formats.options import in_text
from stages.verifiers.maths.reader.english import read_numeral
from stages.verifiers.maths.reader.phrases import is_reals, known_phrase
from stages.verifiers.maths.reader.words import canonical
from stages.verifiers.maths.units import read_unit
from stages.verifiers.maths.vocabulary import CONNECTIVES, FUNCTIONS, GREEK, PLAIN

MATHS, CHOICE, INSTRUCTION = "math", "choice", "instruction"

OPTIONS = ("options", "choices", "option")
#: What a question may need to be answered.
_CONTEXT = ("passage", "context", "article", "text")
_JUDGED = ("rubric", "instruction_id_list", "unit_tests", "test_cases", "verifier_metadata")
#: Environments of NeMo Gym (the beginnings of their names) by the verifier here that judges alike.
ENVIRONMENTS = {
    "math": MATHS, "library_judge_math": MATHS, "polymath": MATHS, "aime": MATHS,
    "mcqa": CHOICE, "gpqa": CHOICE, "instruction_following": INSTRUCTION, "ifbench": INSTRUCTION,
    "reasoning_gym": "reasoning_gym",
}  # fmt: skip

_DRESS = re.compile(r"\$|\\[()\[\]]")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_HAN = re.compile(r"[㐀-鿿]")
_HAN_NUMERAL = re.compile(r"[负第零〇一二两三四五六七八九十百千万亿点分之又]+")
_OPERATOR = re.compile(r"[\\+*/^=<>≤≥≠±√∞∅∪∩∈°%π{}|]")
_COMMAND = re.compile(r"\\(?:begin|end)\{[a-z]*\}|\\[A-Za-z]+")
_LABEL = re.compile(r"(?:\\text\{ ?)?[(（]?([A-J])[)）.]?(?: ?\})?")
_YES_OR_NO = frozenset({"yes", "no"})  # as `canonical` names them
_KNOWN = {*FUNCTIONS, *PLAIN, *CONNECTIVES, *GREEK, "no", "solution"}
#: Words beside a number that may be a noun, a unit or a date ("5 small red boxes").
_BESIDE_NUMBERS, _HAN_BESIDE_NUMBERS = 4, 12


def refuse_beside(row: Raw, prompt: str, read: Collection[str] = (), options: bool = False) -> None:
    """Raise for what the row has beside its prompt and its format does not read.

    prompt: as it is asked. read: columns that are read. options: they are expected.
    """
    names = [*_CONTEXT, *(() if options else OPTIONS), *_JUDGED, "tools"]
    for name in names:
        value = row.get(name)
        if name in read or value in (None, "", [], {}) or (_is_in(value, prompt)):
            continue
        raise UnfitRow(f"column `{name}` ({value!r:.60}) belongs to the question and is not read")


def refuse_other_tasks(row: Raw, verifier: str) -> None:
    """Raise for a row that says itself that another verifier judges it."""
    task = task_of(row)
    if task is not None and verifier != "reasoning_gym":
        raise UnfitRow(f"it is the task {task} of reasoning-gym, expected a row of `{verifier}`")
    agent = row.get("agent_ref")
    name = str(agent.get("name") or "") if isinstance(agent, Mapping) else ""
    if name and environment_of(name) != verifier:
        raise UnfitRow(f"its environment is {name}, expected one that `{verifier}` judges")


def environment_of(name: str) -> str | None:
    """The verifier here that judges rows of an environment; None: none does."""
    return next((v for start, v in ENVIRONMENTS.items() if name.startswith(start)), None)


def task_of(row: Raw) -> str | None:
    """The task of reasoning-gym that a row's metadata names."""
    metadata = row.get("metadata")
    task = metadata.get("source_dataset") if isinstance(metadata, Mapping) else None
    return str(task) if task else None


def label_of(reference: str | None, question: str) -> str | None:
    """The label that an answer is, where it is one of the options in its question."""
    label = _LABEL.fullmatch(_DRESS.sub("", reference or "").strip())
    return label[1] if label and label[1] in in_text(question) else None


def refuse_no_mathematics(reference: str | None) -> None:
    """Raise for a reference that is no answer of mathematics."""
    if reference is not None and not is_mathematics(_DRESS.sub("", reference).strip()):
        raise UnfitRow(f"the answer {reference!r:.80} is no mathematics, which `{MATHS}` judges")


def is_mathematics(answer: str) -> bool:
    """Whether a text can be an answer of mathematics: it is not made of words alone."""
    if "\\text" in answer or "\\mathrm" in answer or "\\mbox" in answer:
        return True
    if canonical(answer) in _YES_OR_NO:
        return False
    if _is_phrase(answer) or read_numeral(answer) is not None:
        return True
    said = _COMMAND.sub(" ", answer)
    strange = [word for word in _WORD.findall(said) if not _is_symbol(word)]
    han = len(_HAN.findall(answer)) if not _HAN_NUMERAL.fullmatch(answer) else 0
    if any(letter.isdigit() for letter in answer) or _OPERATOR.search(answer):
        latin = [word for word in strange if not _HAN.search(word)]
        return len(latin) <= _BESIDE_NUMBERS and han <= _HAN_BESIDE_NUMBERS
    return not strange and not han


def _is_phrase(text: str) -> bool:
    """no solution, infinitely many, all real numbers, 无解."""
    plain = text.lower().strip(" .。")
    return bool(known_phrase(plain)) or is_reals(plain) or canonical(text) == "no solution"


def _is_symbol(word: str) -> bool:
    """A name of mathematics or a product of letters: sin, ab, xyz, ABCD, cm."""
    lower = word.lower()
    if lower in _KNOWN or word in _KNOWN or (word.isupper() and len(word) <= 6):
        return True
    if len(word) < 3:
        return not _HAN.search(word) or bool(_HAN_NUMERAL.fullmatch(word))
    if len(word) == 3 and word.islower() and sorted(word) == list(word):
        return True  # abc, xyz: letters of a product in their order
    unit = read_unit(word)
    return (unit is not None and not unit.noun) or read_numeral(word) is not None


def _is_in(value: Any, prompt: str) -> bool:
    return isinstance(value, str) and value.strip() in prompt
