r"""Labelled answers to mathematics problems, from the data sets' own files.

A data set that only has references becomes labelled rows so: every reference in a usual form (as
it is, as `\text`, with a currency sign, …) is right, and the reference of another row, which
differs in its digits, is wrong.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.files import OWN, Folder, read
from stages.rows.formats.maths import last_box

POLICY = Path(__file__).with_name("upstream_policy.jsonl")


@dataclass(frozen=True)
class Answered:
    """A completion and the label that it should get; None when nobody labelled it."""

    id: str
    category: str
    reference: str
    completion: str
    right: bool | None


@dataclass(frozen=True)
class AnswerSet:
    """Rows that are measured together; `labels` says who labelled them."""

    name: str
    labels: str
    rows: list[Answered]


def boxed(answer: str) -> str:
    """A short completion that gives this answer."""
    return f"<think>\nLet me work it out.\n</think>\n\nThe final answer is $\\boxed{{{answer}}}$."


TRACES = 100  # rows of long traces: math-verify needs a third of a second for each


def answer_sets(data: Folder, limit: int, seed: int = 0) -> list[AnswerSet]:
    """All sets there are rows for, at most `limit` rows each, drawn with the seed.

    Hand-written sets and upstream's cases are never cut.
    """
    sets = []
    for made in (*_hand_written(), *_from_references(data), *_traces(data), _upstream(data)):
        rows = made.rows
        most = min(limit, TRACES) if made.labels == "another grader" else limit
        if len(rows) > most and made.labels not in ("hand", "upstream + policy"):
            rows = random.Random(seed).sample(rows, most)
        if rows:
            sets.append(AnswerSet(made.name, made.labels, rows))
    return sets


# Hand-written pairs -----------------------------------------------------------------------------


def _hand_written() -> Iterator[AnswerSet]:
    for name in ("dev", "heldout", "exam2", "exam3", "ordinary"):
        path = OWN / "hard_pairs" / f"{name}.jsonl"
        pairs = read(path) if path.exists() else []
        title = "ordinary pairs" if name == "ordinary" else f"hard pairs, {name}"
        yield AnswerSet(title, "hand", [_pair(pair) for pair in pairs])


def _pair(pair: dict[str, Any]) -> Answered:
    completion = boxed(pair["answer"])
    return Answered(
        pair["id"], pair["category"], pair["reference"], completion, bool(pair["label"])
    )


# References and their usual forms ---------------------------------------------------------------


def _from_references(data: Folder) -> Iterator[AnswerSet]:
    for name, references in math_references(data).items():
        forms = NUMBER_FORMS if name in PLAIN_NUMBERS else LATEX_FORMS
        yield AnswerSet(name, "reference", list(_labelled(name, references, forms)))


PLAIN_NUMBERS = ("GSM8K", "MGSM zh", "MGSM en", "CMATH", "AIME", "AMC")


#: set → the format that reads it, and its files, each under the names that it may have.
MATHS: dict[str, tuple[Any, ...]] = {
    "GSM8K": ("gsm8k", ["gsm8k/test.jsonl"]),
    "MATH-500": ("math500", ["math500/test.jsonl"]),
    "MATH train": ("math", ["math_full/train_deepscaler.json.gz"]),
    "MATH test": ("math", ["math_full/test.jsonl.gz"]),
    "AIME": (
        "aime",
        ["aime_amc/aime24.jsonl"],
        ["aime_amc/deepscaler_aime_1983_2023_train.json.gz"],
    ),
    "AMC": ("amc", ["aime_amc/amc23.jsonl"]),
    "OlymMATH": (
        "olymmath",
        ["olymmath_zh_en/OlymMATH-EN-EASY.jsonl"],
        ["olymmath_zh_en/OlymMATH-ZH-EASY.jsonl"],
    ),
    "MGSM zh": ("mgsm", ["chinese_math/mgsm_zh.tsv", "mgsm_zh/mgsm_zh.tsv"]),
    "MGSM en": ("mgsm", ["chinese_math/mgsm_en.tsv"]),
    "CMATH": ("cmath", ["chinese_math/cmath_dev.jsonl"]),
}


def math_references(data: Folder) -> dict[str, list[str]]:
    """The references of every mathematics set, by the set's name; "" where a row has none."""
    return {
        name: [row["reference"] or "" for names in files for row in data.problems(format_, *names)]
        for name, (format_, *files) in MATHS.items()
    }


def _grouped(number: str) -> str:
    whole, point, decimals = number.replace(",", "").partition(".")
    return (f"{int(whole):,}" if whole.lstrip("-").isdigit() else whole) + point + decimals


NUMBER_FORMS: tuple[Callable[[str], str], ...] = (
    lambda n: n,
    lambda n: f"\\${n}",
    _grouped,
    lambda n: n.replace(",", ""),
    lambda n: n if "." in n or "%" in n else f"{n}.00",
    lambda n: f"\\text{{{n}}}",
    lambda n: f"x = {n}",
    lambda n: _grouped(n).replace(",", "{,}"),
    lambda n: f"{n} \\text{{ apples}}",
)
LATEX_FORMS: tuple[Callable[[str], str], ...] = (
    lambda a: a,
    lambda a: a.replace("\\frac", "\\dfrac"),
    lambda a: a.replace("\\left", "").replace("\\right", ""),
    lambda a: re.sub(r"(?<![a-zA-Z]) (?![a-zA-Z])", "", a),
    lambda a: f"\\displaystyle {a}",
)


def _labelled(
    name: str, references: Sequence[str], forms: Sequence[Callable[[str], str]]
) -> Iterator[Answered]:
    """Each reference in one form, right, and another row's in one form, wrong."""
    draw = random.Random(name)
    for number, reference in enumerate(references):
        if not reference:
            continue
        form = forms[number % len(forms)]
        yield Answered(f"{name} {number} right", "right", reference, boxed(form(reference)), True)
        for other in draw.sample(references, min(5, len(references))):
            if _surely_different(reference, other):
                wrong = boxed(form(other))
                yield Answered(f"{name} {number} wrong", "wrong", reference, wrong, False)
                break


def _surely_different(one: str, other: str) -> bool:
    """Other digits, and none of the ways in which other digits give the same number."""
    if any("." in text.replace("\\.", "") or "%" in text for text in (one, other)):
        return False
    digits = [sorted(re.sub(r"\D", "", text)) for text in (one, other)]
    return digits[0] != digits[1] and bool(digits[0]) and bool(digits[1])


# Completions of models --------------------------------------------------------------------------


def _traces(data: Folder) -> Iterator[AnswerSet]:
    for model in ("gpt", "qwen3"):
        rows = [
            Answered(str(n), "", row["answer"], row["prediction"], None)
            for n, row in enumerate(data.rows(f"traces_r1_samples/math500_{model}_answers.json"))
        ]
        yield AnswerSet(f"MATH-500 answers, {model}", "none", rows)
    for source in ("openrouter", "ollama"):
        rows = [
            Answered(str(n), "", row["gtruth_answer"], _r1(row), None)
            for n, row in enumerate(data.rows(f"traces_r1_samples/r1_{source}.json"))
        ]
        yield AnswerSet(f"R1 traces, {source}", "none", rows)
    for title, file in (
        ("Qwen2.5-Math-7B base, MATH-500", "qwen25math7b_base_math500"),
        ("Sky-T1-14B, AMC", "sky14b_amc23"),
    ):
        rows = [_sky(row) for row in data.rows(f"traces_skyt1/{file}.jsonl.gz")]
        yield AnswerSet(title, "another grader", rows)


def _r1(row: dict[str, str]) -> str:
    return f"<think>\n{row['message_thinking']}\n</think>\n\n{row['message_content']}"


def _sky(row: dict[str, Any]) -> Answered:
    text = row["code"][0]
    for theirs, ours in (
        ("<|begin_of_thought|>", "<think>"),
        ("<|end_of_thought|>", "</think>"),
        ("<|begin_of_solution|>", ""),
        ("<|end_of_solution|>", ""),
    ):
        text = text.replace(theirs, ours)
    reference = str(row["answer"])
    return Answered(str(row["idx"]), "", reference.removesuffix(".0"), text, row["score"][0])


# The upstream tests -----------------------------------------------------------------------------


def _upstream(data: Folder) -> AnswerSet:
    """Upstream's own test cases under the policy of `stages/verifiers/answer.py`.

    A short prediction without a box is the answer itself and goes into the tag; long prose stays as
    it is. Where the policy asks for another label, `upstream_policy.jsonl` has it with the reason;
    label null leaves out a row whose reference is broken.
    """
    policy = {row["row"]: row for row in read(POLICY)}
    rows = []
    for number, case in enumerate(data.rows("verifier_suites/math_verify_cases.jsonl")):
        if case["test"].startswith(("TestPuzzle", "TestF1")):
            continue  # short text, not mathematics: benchmarks/verifier_rows.py
        label = bool(policy[number]["label"] if number in policy else case["expected"])
        if number in policy and policy[number]["label"] is None:
            continue
        reference, completion = _reference(str(case["gold"])), _completion(str(case["pred"]))
        rows.append(Answered(f"upstream {number}", case["test"], reference, completion, label))
    return AnswerSet("upstream cases", "upstream + policy", rows)


LONG = 200


def _completion(prediction: str) -> str:
    if "\\boxed" in prediction or len(prediction) > LONG:
        return prediction
    return f"<answer>{prediction}</answer>"


def _reference(gold: str) -> str:
    """What a gold text says: all its boxes, or the text without its dollar signs."""
    boxes: list[str] = []
    while "\\boxed" in gold:
        position = gold.rfind("\\boxed")
        boxes.insert(0, last_box(gold) or "")
        gold = gold[:position]
        if len(gold) > LONG:  # a worked solution: its last box is the answer
            break
    if boxes:
        return ", ".join(dict.fromkeys(boxes))
    return re.sub(r"(?<!\\)\$", "", gold).strip()
