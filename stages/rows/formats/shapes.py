"""Rows whose shape says by itself what they are: of verl and of NeMo Gym, in our own columns.

    verl      {"data_source": "math_dapo", "prompt": [{"role": "user", …}], "ability": "MATH",
               "reward_model": {"ground_truth": "34", "style": "rule"}, "extra_info": {"index": …}}
    NeMo Gym  {"responses_create_params": {"input": [{"role": "user", …}]}, …} and one of
               "options": [{"A": …}, …], "expected_answer": "B"           multiple choice
               "instruction_id_list": […], "kwargs": […]                  constraints
               "metadata": {"source_dataset": "knights_knaves", …}, "question", "answer"
                                                                          a task of reasoning-gym
               "question", "expected_answer"     by its environment (`agent_ref`), or by its stage

Nothing else is guessed: a row of questions and answers may be mathematics or a quiz, so its stage
says the verifier, and its answers must be of that kind (fit.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stages.chat.messages import REQUEST, as_asked
from stages.rows.fields import LAST_USER, field
from stages.rows.files import Raw, UnfitRow
from stages.rows.formats.fit import CHOICE, INSTRUCTION, MATHS, environment_of, task_of
from stages.rows.formats.wrappers import unwrapped

GYM = "reasoning_gym"
_REWARD = "reward_model"
#: The domain of rows by the verifier that their shape names.
_DOMAINS = {MATHS: "math", CHOICE: "stem", INSTRUCTION: "general", GYM: "logic"}
_EXPECTED = "expected_answer"
#: What rows of other environments hold to judge answers by.
_ANSWERED = (_EXPECTED, "answer", "expected_output", "instance")
_TESTS = ("unit_tests", "task_id")


def is_shaped(row: Raw) -> bool:
    """Whether a row is one of verl or of NeMo Gym."""
    return _is_verl(row) or isinstance(row.get(REQUEST), Mapping)


def shaped(row: Raw, verifier: str | None) -> dict[str, Any]:
    """The row in our own columns. verifier: what its stage says, for rows that do not say it."""
    return _verl(row) if _is_verl(row) else _nemo(row, verifier)


def _is_verl(row: Raw) -> bool:
    reward = row.get(_REWARD)
    return isinstance(reward, Mapping) and "ground_truth" in reward and "prompt" in row


def _verl(row: Raw) -> dict[str, Any]:
    extra = row.get("extra_info")
    question = extra.get("question") if isinstance(extra, Mapping) else None
    ability = str(row.get("ability") or "").lower()
    named = {"domain": "math", "verifier": MATHS} if ability.startswith("math") else {}
    source = {"source": row["data_source"]} if row.get("data_source") else {}
    return {
        **named,
        **source,
        "prompt": _asked(row["prompt"], question, None),
        "reference": field(row, f"{_REWARD}.ground_truth"),
    }


def _nemo(row: Raw, verifier: str | None) -> dict[str, Any]:
    made: dict[str, Any] = {"prompt": as_asked(row).get("prompt"), "tools": as_asked(row)["tools"]}
    judge = _verifier_of(row)
    if judge is not None:
        made |= {"verifier": judge, "domain": _DOMAINS[judge]}
    verifier = judge or verifier
    for name in ("id", "language", "pass_rate"):
        if row.get(name) not in (None, ""):
            made[name] = row[name]
    if row.get("reward_profiles"):
        made["pass_rate"] = _mean_rate(row["reward_profiles"])
    if verifier == INSTRUCTION:
        return made | {"metadata": {n: row[n] for n in ("instruction_id_list", "kwargs")}}
    if verifier is None:
        _refuse_answered(row)
        return made
    template = row.get("template_metadata")
    template = template.get("template_prompt") if isinstance(template, Mapping) else None
    made["prompt"] = _asked(made["prompt"], row.get("question"), template)
    made["reference"] = row.get(_EXPECTED, row.get("answer"))
    if verifier == CHOICE:
        made["options"] = row.get("options")
    if judge == GYM:
        entry = {name: row[name] for name in ("question", "answer", "metadata")}
        made["metadata"] = {"task": task_of(row), "entry": entry}
    return made


def _verifier_of(row: Raw) -> str | None:
    """The verifier that the shape of a row names."""
    if "instruction_id_list" in row and "kwargs" in row:
        return INSTRUCTION
    if row.get("options") and row.get(_EXPECTED):
        return CHOICE
    if task_of(row) and "question" in row and "answer" in row:
        return GYM
    agent = row.get("agent_ref")
    name = str(agent.get("name") or "") if isinstance(agent, Mapping) else ""
    return environment_of(name) if _EXPECTED in row else None


def _refuse_answered(row: Raw) -> None:
    """Raise for a row that has what judges its answers, which no query has."""
    tests = row.get("verifier_metadata")
    inside = [name for name in _TESTS if isinstance(tests, Mapping) and name in tests]
    if found := [name for name in _ANSWERED if row.get(name) not in (None, "")] + inside:
        raise UnfitRow(
            f"`{found[0]}` is there to judge its answers, and nothing reads it: set `verifier` of "
            "the stage to what does"
        )


def _asked(prompt: Any, question: Any, template: str | None) -> Any:
    """The prompt with the bare question in the user's last turn; nothing else may be there."""
    if not isinstance(prompt, list):
        return unwrapped(prompt, question, template) if isinstance(prompt, str) else prompt
    said = field({"it": prompt}, f"it.{LAST_USER}")
    users = [turn for turn in prompt if turn.get("role") == "user"]
    if len(users) > 1:
        raise UnfitRow(f"{len(users)} messages of a user, expected one question")
    return [{"role": "user", "content": unwrapped(said, question, template)}]


def _mean_rate(profiles: Any) -> float | None:
    rates = [one["pass_rate"] for one in profiles if one.get("pass_rate") is not None]
    return sum(rates) / len(rates) if rates else None
