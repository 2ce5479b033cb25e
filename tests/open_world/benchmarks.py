"""What checkpoints are asked, and what nothing may share ten words with: a few rows of each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from stages.tiny.problems import generate
from tests.open_world.files import Files, Raw, configured, jsonl, parquet

#: A question of MATH-500 here: whoever asks it in training knew the evaluation.
LEAKED = "Tom hid 7 red stones under an old oak near the mill and found 5. How many are left?"
LEAKED_ANSWER = "2"
SUBJECTS = ("college_biology", "college_chemistry", "college_physics")
PLANETS = ("Mercury", "Venus", "Earth", "Mars")


def sums(count: int, seed: int, language: str = "en") -> Iterator[tuple[str, str]]:
    """Questions of held-out mathematics that the tiny models understand, with their answers."""
    for row in generate("math", language, count, seed, "settling"):
        yield row["prompt"][0]["content"], row["reference"]


def benchmarks() -> dict[str, Files]:
    """Set → its files."""
    grade = [{"question": q, "answer": f"So #### {a}"} for q, a in sums(6, 3)]
    asked = {name: [_mgsm(*pair) for pair in sums(6, 4, name)] for name in ("en", "zh")}
    chinese = [{"grade": 1, "question": q, "golden": a} for q, a in sums(6, 5, "zh")]
    maths = [(LEAKED, LEAKED_ANSWER), *sums(8, 6)]
    mmlu = {name: [_mmlu(n, name) for n in range(4)] for name in SUBJECTS}
    everything = [row for rows in mmlu.values() for row in rows]
    tasks = {"logical_deduction_five_objects": _ordered(), "web_of_lies": _lies()}
    return {
        "math-ai/aime25": {"test.jsonl": jsonl(_numbered(sums(6, 1)))},
        "HuggingFaceH4/aime_2024": configured({"default": _numbered(sums(6, 2))}, "train"),
        "HuggingFaceH4/MATH-500": {"test.jsonl": jsonl(_numbered(maths))},
        "juletxara/mgsm": configured(asked, "test"),
        "weitianwen/cmath": configured({"default": chinese}, "test"),
        "openai/gsm8k": configured({"main": grade}, "test"),
        "openai/openai_humaneval": configured({"openai_humaneval": _completed()}, "test"),
        "google-research-datasets/mbpp": configured({"full": _written()}, "test"),
        "lighteval/code_generation_lite": configured({"v4_v5": _contests()}, "test"),
        "cais/mmlu": configured({**mmlu, "all": everything}, "test"),
        "TIGER-Lab/MMLU-Pro": {"data/test-0.parquet": parquet([_pro(n) for n in range(4)])},
        "SaylorTwift/bbh": configured(tasks, "test"),
        "google/IFEval": {"ifeval_input_data.jsonl": jsonl(_instructions())},
    }


def _numbered(pairs: Iterable[tuple[str, str]]) -> list[Raw]:
    return [{"id": str(n), "problem": q, "answer": a} for n, (q, a) in enumerate(pairs)]


def _mgsm(question: str, answer: str) -> Raw:
    return {"question": question, "answer": None, "answer_number": int(answer)}


def _mmlu(number: int, subject: str) -> Raw:
    question = f"{subject} {number}: which planet is number {number + 1} from the Sun?"
    return {"question": question, "subject": subject, "choices": [*PLANETS], "answer": number}


def _pro(number: int) -> Raw:
    options = [str(3 * number + more) for more in range(4)] + ["N/A"]
    return {
        "question_id": number, "question": f"Which is {3 * number} and {number % 4} more?",
        "options": options, "answer": "ABCD"[number % 4], "answer_index": number % 4,
        "category": "math", "src": "made",
    }  # fmt: skip


def _ordered() -> list[Raw]:
    return [
        {
            "input": f"Five birds sit in a row; the {bird} is first. Which is first?\nOptions:\n"
            "(A) The owl\n(B) The crow\n(C) The wren\n(D) The hawk\n(E) The dove",
            "target": f"({'ABCDE'[n]})",
        }
        for n, bird in enumerate(("owl", "crow", "wren", "hawk", "dove"))
    ]


def _lies() -> list[Raw]:
    return [
        {
            "input": f"Question: {name} tells the truth. {other} says {name} lies. "
            f"Does {other} tell the truth?",
            "target": "No",
        }
        for name, other in (("Fidel", "Sal"), ("Kandi", "Rashida"), ("Vina", "Inga"))
    ]


def _completed() -> list[Raw]:
    return [
        {
            "task_id": f"HumanEval/{n}", "prompt": f'def more(x):\n    """x and {n + 2} more."""\n',
            "canonical_solution": f"    return x + {n + 2}\n", "entry_point": "more",
            "test": f"def check(candidate):\n    assert candidate(1) == {n + 3}\n",
        }
        for n in range(3)
    ]  # fmt: skip


def _written() -> list[Raw]:
    return [
        {
            "task_id": 11 + n, "text": f"Write a function to take {n + 2} away.",
            "code": f"def less(x):\n    return x - {n + 2}", "test_setup_code": "",
            "test_list": [f"assert less({n + 9}) == 7"], "challenge_test_list": [],
        }
        for n in range(3)
    ]  # fmt: skip


def _contests() -> list[Raw]:
    def test(given: int, by: int) -> Raw:
        return {"input": f"{given}\n", "output": f"{by * given}\n", "testtype": "stdin"}

    return [
        {
            "question_title": "Times", "question_id": f"abc{by}", "platform": "atcoder",
            "question_content": f"Take a number {by} times.", "starter_code": "",
            "difficulty": "easy", "metadata": "{}",
            "public_test_cases": json.dumps([test(1, by)]),
            "private_test_cases": json.dumps([test(5, by)]),
        }
        for by in range(3, 9)  # fewer than four with one frame would pass for what they ask
    ]  # fmt: skip


def _instructions() -> list[Raw]:
    return [
        {
            "key": n, "prompt": f"Write about a {thing}, without commas.",
            "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}],
        }
        for n, thing in enumerate(("river", "bridge", "forest", "harbour"))
    ]  # fmt: skip
