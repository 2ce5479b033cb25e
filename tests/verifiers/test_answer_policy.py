r"""The answer policy: what counts as the one final answer."""

from __future__ import annotations

import pytest

from pipeline.errors import UsageError
from stages.chat.template import tagged
from stages.verifiers import answer as policy
from stages.verifiers.answer import Policy, parse
from stages.verifiers.grade import counted
from stages.verifiers.pool import VerifierPool
from stages.verifiers.verdict import Request


@pytest.mark.parametrize(
    ("completion", "answer"),
    [
        ("<think>2+3=5</think><answer>5</answer>", "5"),
        ("<think>2+3=5</think>\nSo it is \\boxed{5}.", "5"),
        ("<think>2+3=5</think><answer>It is \\boxed{\\frac{1}{2}}</answer>", "\\frac{1}{2}"),
        ("<answer> 5 </answer>", "5"),
        ("\\boxed{5}", "5"),
        ("2+3=5</think><answer>5</answer>", "5"),  # the prompt opened the thought
        ("<think>x</think>\\boxed{5} and again \\boxed{ 5 }", "5"),
        ("<think>x</think>\\boxed{5}<answer>5</answer>", "5"),
        ("<think>x</think>\\boxed{\\{1, 2\\}}", "\\{1, 2\\}"),
        ("<think>\\boxed{9}<answer>9</answer></think><answer>5</answer>", "5"),
        ("In a \\boxed{}, as asked: \\boxed{5}", "5"),
        ("\\boxed{5}. Next time \\boxed{\\dots} or `\\boxed{ }`", "5"),
        ("I put it in a \\boxed as asked: \\boxed{5}", "5"),
        ("\\phantom{\\boxed{7}}\\boxed{\\hphantom{0}5}", "5"),
        ("\\boxed{}<answer>5</answer>", "5"),
    ],
)
def test_one_final_answer_is_found(completion: str, answer: str) -> None:
    assert parse(completion).answer == answer


@pytest.mark.parametrize(
    ("completion", "reason"),
    [
        ("<think>the answer is \\boxed{5}", policy.UNCLOSED),
        ("<think>x<answer>5</answer>", policy.UNCLOSED),
        ("</think>x<think><answer>5</answer>", policy.UNCLOSED),
        ("<think>\\boxed{5}</think>", policy.NO_ANSWER),
        ("<think>x</think>The answer is 5.", policy.NO_ANSWER),
        ("The answer is 5.", policy.NO_ANSWER),
        ("", policy.NO_ANSWER),
        ("<think>x</think>\\boxed{5} or \\boxed{6}", policy.DIFFERENT),
        ("\\boxed{5} \\boxed{5.0} \\boxed{05} \\boxed{+5} \\boxed{5.00}", policy.DIFFERENT),
        ("\\boxed{5}<answer></answer>", policy.DIFFERENT),
        ("\\boxed{\\phantom{5}}", policy.EMPTY),
        ("\\phantom{\\boxed{5}}", policy.NO_ANSWER),
        ("\\phantom{\\boxed{5}", policy.UNBALANCED),
        ("<think>x</think>\\boxed{5}<answer>6</answer>", policy.DIFFERENT),
        ("<answer>\\boxed{5} \\boxed{6}</answer>", policy.DIFFERENT),
        ("<think>x</think><answer></answer>", policy.EMPTY),
        ("\\boxed{ }", policy.EMPTY),
        ("<answer>5</answer><answer>5</answer>", policy.ANSWER_TAGS),
        ("<answer><answer>5</answer></answer>", policy.ANSWER_TAGS),
        ("<answer>5", policy.ANSWER_TAGS),
        ("</answer>5<answer>", policy.ANSWER_TAGS),
        ("<think><think>x</think></think><answer>5</answer>", policy.THINK_TAGS),
        ("<think>x</think><think>y</think><answer>5</answer>", policy.THINK_TAGS),
        ("\\boxed{\\boxed{5}}", policy.UNBALANCED),
        ("\\boxed{5", policy.UNBALANCED),
        ("\\boxed{5\\}", policy.UNBALANCED),
    ],
)
def test_no_single_final_answer_is_no_answer(completion: str, reason: str) -> None:
    parsed = parse(completion)
    assert (parsed.answer, parsed.reason) == (None, reason)


@pytest.mark.parametrize(
    ("verifier", "reference", "completion"),
    [
        ("math", "1000", r"\boxed{1,000} \boxed{1000}"),
        ("math", "1/2", r"\boxed{\frac12} and so \boxed{\frac{1}{2}}"),
        ("math", "7", r"\boxed{007} = \boxed{7}"),
        ("math", "1/2", r"\boxed{0.5}<answer>\frac{1}{2}</answer>"),
        ("math", "1/2", r"<answer>1/2</answer> or \boxed{\dfrac{1}{2}}"),
        ("math", "5", r"\boxed{x=5}, \boxed{5}"),
        ("math", "18", r"\boxed{18} dollars: \boxed{\$18}, \boxed{18.00}"),
        ("math", r"\tan x", r"\boxed{\tan x} \boxed{\frac{\sin x}{\cos x}}"),
        ("choice", "B", r"\boxed{\text{B}} \boxed{B}"),
        ("choice", "B", r"<answer>(B)</answer> \boxed{b}"),
        ("logic", "yes", r"\boxed{Yes} \boxed{yes.}"),
        ("order", "a b c", r"\boxed{a, b, c} \boxed{a > b > c}"),
        ("text", "Paris", r"\boxed{Paris} <answer>the Paris</answer>"),
    ],
)
def test_one_answer_in_several_spellings_is_that_answer(
    pool: VerifierPool, verifier: str, reference: str, completion: str
) -> None:
    wrong = {"math": "3", "choice": "A", "logic": "no", "order": "c b a", "text": "Rome"}[verifier]
    hedged = completion.replace(r"\boxed", rf"\boxed{{{wrong}}} \boxed", 1)
    asked = [Request(verifier, text, reference) for text in (completion, hedged)]
    assert [(v.score, v.reason) for v in pool.verify(asked)] == [
        (1.0, "right"),
        (0.0, policy.DIFFERENT),
    ]


def test_the_thought_is_kept_apart_from_the_answer() -> None:
    parsed = parse("<think> 2+3=5 \n</think><answer>5</answer>")
    assert (parsed.reasoning, parsed.closed) == ("2+3=5", True)
    truncated = parse("<think>2+3")
    assert (truncated.reasoning, truncated.closed) == ("2+3", False)
    assert parse("5").closed  # no thought was opened


def test_composed_completions_are_read_back() -> None:
    parsed = parse(tagged("a thought", "an answer"))
    assert (parsed.reasoning, parsed.answer) == ("a thought", "an answer")


@pytest.mark.parametrize(
    "text",
    ["<think>", "\\boxed{", "<answer>", "\\boxed{5}", "{", "</think>", "\\phantom{", "\\,",
     "Answer: ", "so the ", "> Answer", "\nAnswer: C", "*"],
)  # fmt: skip
@pytest.mark.timeout(60)  # what is quadratic takes hours
def test_a_megabyte_of_tags_is_read_in_linear_time(text: str) -> None:
    parse(text * (1_000_000 // len(text)))
    parse("\\boxed{" + text * (1_000_000 // len(text)))


@pytest.mark.parametrize(
    ("completion", "answer", "response"),
    [
        ("<think>t</think>\ndef f(x): return x\n", None, "def f(x): return x"),
        ("<think>t</think>So:\n<answer>def f(x): return x</answer>", "tag", "def f(x): return x"),
        ("<think>t</think>It is \\boxed{5}.", "box", "It is \\boxed{5}."),
        ("<think>t</think><answer>a</answer><answer>a</answer>", None, None),
        ("<think>t", None, None),
    ],
)
def test_a_program_or_an_instruction_is_judged_on_the_whole_response(
    completion: str, answer: str | None, response: str | None
) -> None:
    parsed = parse(completion)
    assert (parsed.answer is None) == (answer is None)
    assert counted("code", parsed) == counted("instruction", parsed) == response
    assert counted("math", parsed) == parsed.answer


@pytest.mark.parametrize(
    ("policy", "completion", "answer"),
    [
        (Policy(several="last"), "\\boxed{5} or \\boxed{6}", "6"),
        (Policy(several="last"), "<answer>5</answer> \\boxed{6}", "6"),
        (Policy(forms=("box",)), "<answer>5</answer>", None),
        (Policy(forms=("box",)), "<answer>5</answer> \\boxed{6}", "6"),
        (Policy(forms=("tag",)), "\\boxed{5}", None),
        (Policy(thought="required"), "so it is \\boxed{5}", None),
        (Policy(thought="required"), "so </think> \\boxed{5}", "5"),
        (Policy(), "\\boxed 5", "5"),
        (Policy(), "\\fbox{5}", "5"),
    ],
)
def test_the_policy_says_where_an_answer_may_stand(
    policy: Policy, completion: str, answer: str | None
) -> None:
    assert parse(completion, policy).answer == answer


def test_a_policy_that_does_not_exist_names_its_key() -> None:
    with pytest.raises(UsageError, match=r"verifiers.thought: there is no 'always'; there are opt"):
        Policy(thought="always")
