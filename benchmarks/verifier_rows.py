"""Rows of public data sets as requests with the score that they must get.

A reference given as the answer must score 1 (`proof` of stages/verifiers/selfcheck.py, which asks
the verifier for an answer where the reference is none: a target number, constraints). Beside the
proofs stand wrong answers made from the same rows, other ways to write the right one, and rewards
that others logged.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.answer_sets import math_references
from benchmarks.files import BBH, Folder
from benchmarks.graders import LIMIT, WORKERS
from stages.chat.template import tagged
from stages.rows.formats.choice import LETTERS
from stages.verifiers.answer import DEFAULT
from stages.verifiers.pool import VerifierPool
from stages.verifiers.selfcheck import proof, right_answer
from stages.verifiers.verdict import Request, request_of


@dataclass(frozen=True)
class Case:
    """A request and the score that it must get."""

    request: Request
    expected: float


def prove(data: Folder) -> list[dict[str, Any]]:
    """Each set by one pool: rows, how many as expected, and every other one with its reason."""
    with VerifierPool(WORKERS, LIMIT) as pool:
        return [_proved(name, list(cases), pool) for name, cases in case_sets(data) if cases]


def case_sets(data: Folder) -> Iterator[tuple[str, list[Case]]]:
    """The name of every set and its cases."""
    for name, references in math_references(data).items():
        yield name, _proofs(Request("math", "", reference) for reference in references)
    yield from _choices(data)
    yield from _bbh(data)
    yield from _knights(data)
    yield from _short_texts(data)
    yield from _game24(data)
    yield from _programs(data)
    yield from _grids(data)
    yield "IFEval, made answers", _proofs(_requests(data, "ifeval", "ifeval/input_data.jsonl"))


def _requests(data: Folder, format_: str, *names: str, split: str = "test") -> list[Request]:
    """The rows of a set as its reader makes them, with nothing answered yet."""
    return [request_of(row, "") for row in data.problems(format_, *names, split=split)]


def _proofs(requests: Iterable[Request]) -> list[Case]:
    return [Case(proof(request, right_answer(request), DEFAULT), 1.0) for request in requests]


def _answered(request: Request, answer: str) -> Request:
    completion = tagged("Well.", answer)
    return Request(request.verifier, completion, request.reference, request.metadata)


def _proved(name: str, cases: Sequence[Case], pool: VerifierPool) -> dict[str, Any]:
    started = time.perf_counter()
    judged = list(pool.stream(case.request for case in cases))
    seconds = time.perf_counter() - started
    failures = [
        {
            "row": number,
            "expected": case.expected,
            "score": found.verdict.score,
            "reason": found.verdict.reason,
            "reference": case.request.reference[:200],
            "completion": case.request.completion[-200:],
        }
        for number, (case, found) in enumerate(zip(cases, judged, strict=True))
        if found.verdict.score != case.expected
    ]
    return {
        "set": name,
        "verifier": cases[0].request.verifier,
        "rows": len(cases),
        "expected": len(cases) - len(failures),
        "rows_per_second": round(len(cases) / seconds, 1),
        "slowest_seconds": round(max(found.seconds for found in judged), 3),
        "failures": failures,
    }


# Multiple choice --------------------------------------------------------------------------------


def _choices(data: Folder) -> Iterator[tuple[str, list[Case]]]:
    yield from _lettered("MMLU-STEM", _requests(data, "mmlu_stem", "mcq_stem/mmlu_stem.jsonl.gz"))
    for title, file in (
        ("AQuA", "aqua-rat"),
        ("LogiQA en", "logiqa-en"),
        ("LogiQA zh", "logiqa-zh"),
        ("LSAT-AR", "lsat-ar"),
    ):
        yield from _lettered(title, _requests(data, "agieval", f"mcq_stem/agieval_{file}.jsonl"))


def _lettered(title: str, requests: Sequence[Request]) -> Iterator[tuple[str, list[Case]]]:
    yield title, _proofs(requests)
    wrong = []
    for request in requests:
        options = request.metadata["options"]
        other = LETTERS[(LETTERS.index(request.reference) + 1) % len(options)]
        wrong.append(Case(_answered(request, f"({other})"), 0.0))
    yield f"{title}, another letter", wrong


def _bbh(data: Folder) -> Iterator[tuple[str, list[Case]]]:
    for task in BBH:
        requests = _requests(data, "bbh", f"bbh/{task}.json")
        yield f"BBH {task}", _proofs(requests)
        wrong = [
            Case(_answered(request, other.reference), 0.0)
            for request, other in zip(requests, requests[1:] + requests[:1], strict=True)
            if request.reference != other.reference
        ]
        yield f"BBH {task}, another row's target", wrong


def _short_texts(data: Folder) -> Iterator[tuple[str, list[Case]]]:
    """Upstream's own cases for short text; what is not tagged there is tagged here."""
    cases = []
    for case in data.rows("verifier_suites/math_verify_cases.jsonl"):
        if not case["test"].startswith(("TestPuzzle", "TestF1")):
            continue
        golds = case["gold"] if isinstance(case["gold"], list) else [case["gold"]]
        metadata: dict[str, Any] = {"accept": golds[1:]}
        if case["test"].startswith("TestF1"):
            metadata |= {"match": "f1", "partial": True}
        prediction = case["pred"]
        if "<answer>" not in prediction:
            thought, _, rest = prediction.rpartition("</think>")
            prediction = f"{thought}{'</think>' if thought else ''}<answer>{rest}</answer>"
        request = Request("text", prediction, golds[0], metadata)
        cases.append(Case(request, float(case["expected"])))
    yield "upstream cases, short text", cases


# Knights and knaves -----------------------------------------------------------------------------


def _knights(data: Folder) -> Iterator[tuple[str, list[Case]]]:
    files = [f"knights_knaves/{name}.parquet" for name in ("3ppl_test", "3ppl_train", "5ppl_train")]
    requests = [one for file in files for one in _requests(data, "knights_knaves", file)]
    solutions = [row["solution"] for file in files for row in data.rows(file)]
    yield "knights and knaves", _proofs(requests)
    right, wrong = [], []
    for number, (request, solution) in enumerate(zip(requests, solutions, strict=True)):
        names = request.metadata["names"]
        roles = dict(zip(names, solution, strict=True))
        write = WAYS[number % len(WAYS)]
        right.append(Case(_answered(request, write(roles)), 1.0))
        flipped = names[number % len(roles)]
        others = {name: role != (name == flipped) for name, role in roles.items()}
        wrong.append(Case(_answered(request, write(others)), 0.0))
    yield "knights and knaves, other ways to write it", right
    yield "knights and knaves, one role wrong", wrong


def _role(knight: bool) -> str:
    return "knight" if knight else "knave"


def _grouped(roles: Mapping[str, bool]) -> str:
    groups = []
    for knight in (True, False):
        names = [name for name, role in roles.items() if role is knight]
        if len(names) == 1:
            groups.append(f"{names[0]} is a {_role(knight)}")
        elif names:
            groups.append(f"{', '.join(names[:-1])} and {names[-1]} are {_role(knight)}s")
    return ", and ".join(groups) + "."


def _headed(roles: Mapping[str, bool]) -> str:
    lines = []
    for knight in (True, False):
        names = [name for name, role in roles.items() if role is knight] or ["none"]
        lines.append(f"{_role(knight).capitalize()}s: {', '.join(names)}")
    return "\n".join(lines)


WAYS = (
    lambda roles: "\n".join(f"{name}: {_role(knight)}" for name, knight in roles.items()),
    lambda roles: "\n".join(f"- **{n}**: {_role(k).capitalize()}" for n, k in roles.items()),
    _grouped,
    _headed,
    lambda roles: ", ".join(f"{name} is a {_role(knight)}" for name, knight in roles.items()),
    lambda roles: "；".join(f"{n}是{'骑士' if k else '无赖'}" for n, k in roles.items()),
)


# Game of 24 -------------------------------------------------------------------------------------


def _game24(data: Folder) -> Iterator[tuple[str, list[Case]]]:
    """24.csv is the puzzles; a log row has the puzzle's index, 100 samples and their rewards.

    The logged reward looks at the last line, without "Answer: " and up to the first "=", and so
    does this reader; whether that is an expression of the four numbers with the value 24 is left
    to the verifier.
    """
    requests = _requests(data, "game24", "game24/24.csv")
    yield "Game of 24, all puzzles solved", _proofs(requests)
    cases = []
    for row in data.rows("game24/gpt4_cot_100x100.json.gz"):
        request = requests[row["idx"]]
        for sample, logged in zip(row["ys"], row["infos"], strict=True):
            last = sample.strip().split("\n")[-1]
            answer = re.sub("answer: ", "", last, flags=re.IGNORECASE).split("=")[0]
            cases.append(Case(_answered(request, answer), float(logged["r"])))
    yield "Game of 24, logged rewards", cases


# Programs and grids -----------------------------------------------------------------------------


def _programs(data: Folder) -> Iterator[tuple[str, list[Case]]]:
    requests = _requests(data, "humaneval", "humaneval/HumanEval.jsonl.gz")
    yield "HumanEval, canonical solutions", _proofs(requests)
    again = [
        Case(_answered(request, f"{request.reference}\n# once more"), 1.0) for request in requests
    ]
    yield "HumanEval once more, all warm", again
    nothing = "def {}(*given):\n    return None"
    broken = [Case(_answered(r, nothing.format(r.metadata["entry"])), 0.0) for r in requests]
    yield "HumanEval, returns None", broken
    every = "prompt+test+validation+train"
    yield "MBPP, reference code", _proofs(_requests(data, "mbpp", "mbpp/mbpp.jsonl", split=every))


def _grids(data: Folder) -> Iterator[tuple[str, list[Case]]]:
    requests = _requests(data, "arc_agi_1", "arc_agi_1/training.json")
    yield "ARC training", _proofs(requests)
    wrong = []
    for request in requests:
        other = json.loads(request.reference)
        line = other[-1] if isinstance(other[-1][0], int) else other[-1][-1]
        line[-1] = (line[-1] + 1) % 10
        wrong.append(Case(_answered(request, json.dumps(other)), 0.0))
    yield "ARC training, one cell wrong", wrong
