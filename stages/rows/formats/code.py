r"""Programs: what to write, and the tests that judge it.

    HumanEval  {"task_id": "HumanEval/0", "prompt": "def has_close_elements(…):\n    \"\"\"…",
                "entry_point": "has_close_elements", "canonical_solution": "    for idx…",
                "test": "def check(candidate):\n    assert candidate(…) == True\n…"}
    MBPP       {"text": "Write a function to find the minimum cost path…", "code": "def min_cost…",
                "task_id": 1, "test_setup_code": "", "test_list": ["assert min_cost(…) == 8", …],
                "challenge_test_list": []}; sanitized: `prompt` for `text`, and `test_imports`

A prompt of HumanEval is nothing but code, so a line before it asks to complete it. A task of MBPP
says neither the function's name nor its arguments: its tests do, and stand in the prompt, as in
the paper (2108.07732, 3).
"""

from __future__ import annotations

from stages.rows.files import Raw
from stages.rows.formats.columns import list_of, problem, text_of
from stages.rows.schemas import Row
from stages.rows.sources import Origin, OtherRow, splits_of

#: The tasks of MBPP's splits (2108.07732, 2.1), for files that hold them all.
MBPP_SPLITS = {
    "prompt": range(1, 11),
    "test": range(11, 511),
    "validation": range(511, 601),
    "train": range(601, 975),
}


def humaneval(row: Raw, origin: Origin) -> Row:
    prompt, solution = str(row.get("prompt") or ""), str(row.get("canonical_solution") or "")
    text_of(row, "prompt")
    facts = {
        "test": text_of(row, "test"),
        "entry": text_of(row, "entry_point"),
        "prompt": prompt,
        "task": row.get("task_id"),
    }
    question = f"Complete this Python function:\n\n```python\n{prompt.rstrip()}\n```"
    reference = prompt + solution if solution.strip() else ""
    return problem("code", question, "code", reference, **facts)


def mbpp(row: Raw, origin: Origin) -> Row:
    task, splits = row.get("task_id"), splits_of(origin.split)
    if task is not None and not any(task in MBPP_SPLITS.get(name, ()) for name in splits):
        raise OtherRow("other_split")
    tests = list_of(row, "test_list")
    imports = row.get("test_imports") or []
    setup = "\n".join([*imports, row.get("test_setup_code") or ""]).strip()
    shown = "\n".join(tests)
    question = (
        f"{text_of(row, 'text', 'prompt')}\n\nWrite it in Python. "
        f"It must pass these tests:\n\n```python\n{shown}\n```"
    )
    code = str(row.get("code") or "")
    return problem("code", question, "code", code, tests=tests, setup=setup, task=task)
