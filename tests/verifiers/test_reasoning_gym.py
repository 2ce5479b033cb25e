"""reasoning-gym's tasks: right answers pay, and neither nearness nor an attack on a scorer does."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from stages.chat.template import tagged
from stages.rows.gym_rows import Source, generate
from stages.verifiers import gym
from stages.verifiers.gym.tasks import FORMS, RULED, UNFIT
from stages.verifiers.pool import VerifierPool
from stages.verifiers.verdict import Request, Verdict

factory = pytest.importorskip("reasoning_gym.factory")

Judge = Callable[..., Verdict]
Ask = Callable[..., Verdict]

BOARD = {"num_disks": 2, "num_pegs": 3, "start_peg": 1, "target_peg": 3, "solution_length": 3}
HANOI = "\n".join(
    f"Move disk {disk} from Peg {start} to Peg {end}"
    for disk, start, end in ((1, 1, 2), (2, 1, 3), (1, 2, 3))
)
CIPHER = {
    "allow_leading_zero": False,
    "words_letters": ["AB", "B"],
    "result_letters": "CD",
}  # 19 + 9 = 28
QUEENS = {"valid_answers": ["_ Q\nQ _"]}  # the scorer asks for nothing else
LOCK = {
    "initial_value": 0,
    "initial_state": "red",
    "target_value": 2,
    "buttons": [{"name": "A", "type": "add", "value": 1, "active_state": "any"}],
}
PUZZLE_24 = {"numbers": [4, 7, 8, 8]}
JUGS = {"puzzle": {"jug_capacities": [3, 5], "target": 3}}
INTEGRAL = {"integrand": "2*x", "variable": "x"}
PRODUCT = {"polynomial_expr": "(x + 1)*(x + 2)", "variables": ["x"]}
HEADS = {"rational": {"numerator": 1, "denominator": 32768}}
SORTED = {"direction": "ascending"}
DAYS = {"task_type": "date"}
FRACTION = {
    "numerator": 2,
    "denominator": 4,
    "simplified_numerator": 1,
    "simplified_denominator": 2,
}


@pytest.fixture
def ask(judge: Judge) -> Ask:
    """`ask(task, answer, own answer, the entry's metadata)`."""

    def _ask(task: str, answer: str, own: str, facts: dict[str, Any], **more: Any) -> Verdict:
        entry = {"question": "?", "answer": own, "metadata": facts}
        return judge("reasoning_gym", answer, own, task=task, entry=entry, **more)

    return _ask


def test_every_task_of_the_library_has_a_rule_a_scorer_or_a_reason_against_it() -> None:
    assert sorted([*RULED, *FORMS, *UNFIT]) == sorted(factory.DATASETS)


@pytest.mark.parametrize("task", sorted([*RULED, *FORMS]))
def test_of_two_entries_own_answers_each_is_right_for_itself_alone(judge: Judge, task: str) -> None:
    rows, _ = generate(Source(task, 5, {}, "tasks"), "train", 3)
    for row in rows:
        metadata = json.loads(row["metadata"])
        own = judge("reasoning_gym", row["reference"], row["reference"], **metadata)
        assert own.score == 1.0, row["reference"]
    first, metadata = rows[0]["reference"], json.loads(rows[0]["metadata"])
    for other in rows[1:]:
        if other["reference"].casefold() != first.casefold():
            assert judge("reasoning_gym", other["reference"], first, **metadata).score == 0.0


@pytest.mark.parametrize(
    ("task", "answer", "own", "facts"),
    [
        ("chain_sum", "1,000", "1000", {}),
        ("gsm_symbolic", "288.0", "288", {}),
        ("pool_matrix", "4.5 5\n4.75 5.00", "4.5 5.0\n4.75 5.0", {}),
        ("syllogism", "yes", "Yes", {}),
        ("number_sorting", "[-2, 1.50]", "['-2.0', '1.5']", SORTED),
        ("word_sorting", "[ant, bee]", "ant, bee", {}),
        ("game_of_life", "[[0, 1],\n [1, 0]]", "[[0,1],[1,0]]", {}),
        ("group_anagrams", '[["b"], ["ba", "ab"]]', '[["ab", "ba"], ["b"]]', {}),
        ("knights_knaves", "Bo is a fool and Ann a sage", "Ann is a sage, and Bo is a fool.", {}),
        ("puzzle24", "(7 - 8 ÷ 8) × 4", "4*(7 - 8/8)", PUZZLE_24),
        ("coin_flip", "1/32768", "3.051757812e-05", HEADS),
        ("coin_flip", "0.000030517578125", "3.051757812e-05", HEADS),
        ("power_function", "2.32e+5", "232307.612289", {}),
        ("power_function", "1", "1.0", {}),
        ("power_function", "232000", "232307.612289", {}),
        ("power_function", "-1.3675e-03", "-0.0013674811612376526", {}),
        ("number_format", "9.158569304099999e+07", "91585693.041", {}),
        ("simple_integration", "x*x + 7 + C", "x**2 + C", INTEGRAL),
        ("polynomial_multiplication", "2 + 3*x + x*x", "x**2 + 3*x + 2", PRODUCT),
        ("fraction_simplification", r"\frac{1}{2}", "1/2", FRACTION),
        ("cryptarithm", "B=9, D=8, A=1, C=2", "A=1,B=9,C=2,D=8", CIPHER),
        ("jugs", '["fill A"]', '["fill B", "pour B->A"]', JUGS),
        ("quantum_lock", "A -> A", "A → A", LOCK),
    ],
)
def test_a_right_answer_in_another_form_is_right(
    ask: Ask, task: str, answer: str, own: str, facts: dict[str, Any]
) -> None:
    assert ask(task, answer, own, facts).score == 1.0


@pytest.mark.parametrize(
    ("task", "answer", "own", "facts"),
    [
        ("coin_flip", "0", "3.051757812e-05", HEADS),
        ("number_format", "91585693.044", "91585693.041", {}),
        ("power_function", "2.3299e+5", "232307.612289", {}),
        ("complex_arithmetic", "nan", "3.0 + 1.0i", {"result": [3, 1]}),
        ("cryptarithm", "A=3,A=1,B=9,C=2,D=8", "A=1,B=9,C=2,D=8", CIPHER),
        ("fraction_simplification", r"\frac{1}{2} or \frac{1}{3}", "1/2", FRACTION),
        ("game_of_life", "[[0,1],[1,0],[9]]", "[[0,1],[1,0]]", {}),
        ("game_of_life_halting", "True", "False", {}),
        ("gsm_symbolic", "288 or 289", "288", {}),
        ("gsm_symbolic", "-288", "288", {}),
        (
            "knights_knaves",
            "not true: Ann is a sage, Bo is a fool",
            "Ann is a sage, and Bo is a fool.",
            {},
        ),
        ("letter_jumble", "be and more", "be and", {}),
        ("number_sorting", "[NaN, NaN]", "['-2.0', '1.5']", SORTED),
        ("number_sorting", "[-1.1, 1.5]", "['-2.0', '1.5']", SORTED),
        ("polynomial_equations", "1.5, or none", "1.5", {}),
        ("polynomial_multiplication", "expand((x + 1)*(x + 2))", "x**2 + 3*x + 2", PRODUCT),
        ("pool_matrix", "4.54 5.0", "4.5 5.0", {}),
        ("puzzle24", "6*4 + 1 - 1", "4*(7 - 8/8)", PUZZLE_24),
        ("quantum_lock", "ABA, press A and A", "A → A", LOCK),
        ("simple_integration", "Integral(2*x, x)", "x**2 + C", INTEGRAL),
        ("spell_backward", "catz", "cat", {}),
        ("time_intervals", "34 or 7 days", "34 days", DAYS),
        ("word_sorting", "ant, bee, cow", "ant, bee", {}),
    ],
)
def test_a_wrong_answer_that_the_library_pays_in_full_is_wrong(
    ask: Ask, task: str, answer: str, own: str, facts: dict[str, Any]
) -> None:
    assert ask(task, answer, own, facts).score == 0.0
    assert ask(task, own, own, facts).score == 1.0


def test_a_solution_with_a_detour_is_right_only_under_a_lower_threshold(ask: Ask) -> None:
    moves = ["1 1 3", "1 3 2", "2 1 3", "1 2 3"]
    longer = "\n".join("Move disk {} from Peg {} to Peg {}".format(*m.split()) for m in moves)
    assert ask("tower_of_hanoi", longer, HANOI, BOARD).score == 0.0
    assert ask("tower_of_hanoi", longer, HANOI, BOARD, threshold=0.7).score == 1.0


FORGER = "__import__('os').write(3, b'1.0\\n') and __import__('os')._exit(0)"
ATTACKS = [
    FORGER,
    "__import__('os')._exit(0)",
    "__import__('sys')._getframe(3).f_locals.update(reward=1.0)",
    "().__class__.__base__.__subclasses__()",
    "x.__class__",
    "[__import__('os').write(n, b'[1.0, 1.0]') for n in range(64)]",
    "exec('reward = 1.0')",
    "lambda: 1",
    "(yield)",
    "'x'*10**10",
    "x if 1 else x",
    "x**2 + C #",
    "x**2 + C\nimport os",
    "Integral(2*x, x)",
    "S('2*x')",
    "nan",
    "x**2 + C, x**2",
    "x²+C",
]


@pytest.mark.parametrize("answer", ATTACKS)
@pytest.mark.parametrize(
    ("task", "own", "facts"),
    [
        ("simple_integration", "x**2 + C", INTEGRAL),
        ("polynomial_multiplication", "x**2 + 3*x + 2", PRODUCT),
        ("n_queens", "_ Q\nQ _", QUEENS),
        ("binary_matrix", "0 1\n1 0", {}),
        ("countdown", "1+2", {"numbers": [1, 2], "target": 3}),
        ("puzzle24", "4*(7 - 8/8)", PUZZLE_24),
    ],
)
def test_an_answer_that_would_run_as_code_reaches_no_scorer(
    answer: str, task: str, own: str, facts: dict[str, Any]
) -> None:
    metadata = {"task": task, "entry": {"question": "?", "answer": own, "metadata": facts}}
    verdict = gym.quick(answer, own, metadata)  # settled here: no scorer has seen it
    assert verdict is not None
    assert verdict.score == 0.0


@pytest.fixture
def forged() -> Iterator[Callable[[bool], Verdict]]:
    """The forger's answer given to a scorer that evaluates, past the form that would stop it."""
    entry = {"answer": "_ Q\nQ _", "metadata": {"valid_answers": ["_ Q\nQ _"]}}
    target = gym.Target("n_queens", "_ Q\nQ _", entry, {}, 1.0)

    def score(may_compile: bool) -> Verdict:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(gym, "COMPILES", {"n_queens"} if may_compile else set())
            return gym._score(FORGER, target)

    return score


def test_the_second_wall_stops_what_would_pass_the_first(
    forged: Callable[[bool], Verdict],
) -> None:
    assert forged(True).score == 1.0, "the attack works where nothing stops it"
    assert forged(False).score == 0.0


@pytest.mark.parametrize(
    ("task", "answer", "own", "facts"),
    [
        ("simple_integration", "9**9**9**9**x", "x**2 + C", INTEGRAL),
        ("polynomial_multiplication", "(x + 1)**99999999", "x**2 + 3*x + 2", PRODUCT),
        ("simple_integration", "(" * 9000 + "x" + ")" * 9000, "x**2 + C", INTEGRAL),
        ("rubiks_cube", "R999999999999", "R", {"cube_size": 3, "scramble_moves": "R'"}),
        ("graph_color", "[" * 9000 + "]" * 9000, '{"0": 1}', {"puzzle": {}}),
        ("prime_factorization", "9" * 20_000, "2", {}),
        ("polynomial_equations", "1e999", "5", {}),
    ],
)
def test_an_answer_that_burns_time_or_memory_is_wrong_and_harms_nobody(
    ask: Ask, task: str, answer: str, own: str, facts: dict[str, Any]
) -> None:
    started = time.monotonic()
    assert ask(task, answer, own, facts).score == 0.0
    assert time.monotonic() - started < 6.0  # the limit is 2 s; other work may slow it
    assert ask("jugs", '["fill A"]', '["fill A"]', JUGS).score == 1.0


def test_no_answer_pays_for_the_start_of_the_jail() -> None:
    entry = {"answer": '["fill A"]', "metadata": JUGS}
    facts = {"task": "jugs", "entry": entry}
    request = Request("reasoning_gym", tagged("x", '["fill A"]'), '["fill A"]', facts)
    with VerifierPool(workers=1, timeout=0.5) as pool:  # importing the library takes longer
        assert pool.verify([request])[0].score == 1.0


LONG_RUNS = (
    "(",
    " ",
    "9",
    "9.",
    "A",
    "A=1,",
    "a",
    "x",
    "1,",
    "9 ",
    "\\",
    "[",
    "\n",
    "，",
    "0:0",
    "× ",
)


@pytest.mark.parametrize("task", sorted([*RULED, *FORMS]))
def test_no_rule_and_no_form_is_slow_on_long_text(task: str) -> None:
    half = {"numerator": 1, "denominator": 2}
    facts = {"variable": "x", "rational": half, "numbers": [1, 2], "target": 3}
    started = time.monotonic()
    for unit in LONG_RUNS:
        if task in FORMS:
            text = unit * (gym.LONGEST // len(unit)) + "!"
            assert not gym._honest(text, task, {"metadata": facts})
        else:
            text = unit * (1_000_000 // len(unit)) + "!"
            assert not gym.RULES[RULED[task]](text, "1", facts)
    assert time.monotonic() - started < 8.0  # of sixteen texts


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"task": "chain_summ"}, "reasoning-gym has no task 'chain_summ'"),
        ({"task": None}, "reasoning-gym has no task None"),
        ({"task": "rush_hour"}, "no answer of its own"),
        ({"entry": None}, "`entry` must be the generated entry"),
        ({"entry": {"answer": "8", "metadata": {}}}, "not the entry's own answer"),
        ({"entry": {"answer": "7"}}, "`entry` must be the generated entry"),
        ({"threshold": 0}, "`threshold` must be above 0 and at most 1, not 0"),
        ({"threshold": "high"}, "`threshold` must be above 0"),
        ({"config": [1]}, "`config` must be"),
    ],
)
def test_a_row_that_cannot_be_judged_gets_no_score_and_the_reason(
    judge: Judge, change: dict[str, Any], reason: str
) -> None:
    metadata = {"task": "chain_sum", "entry": {"answer": "7", "metadata": {}}}
    verdict = judge("reasoning_gym", "7", "7", **{**metadata, **change})
    assert verdict.score is None
    assert reason in verdict.reason


def test_a_configuration_that_the_task_does_not_have_is_no_fault_of_the_answer(ask: Ask) -> None:
    verdict = ask("jugs", '["fill A"]', '["fill A"]', JUGS, config={"colour": "red"})
    assert verdict.score is None
    assert "the scorer of jugs cannot be built" in verdict.reason
