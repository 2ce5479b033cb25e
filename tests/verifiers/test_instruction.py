"""The types of instruction of IFEval and IFBench, in English and Chinese, strict and loose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.hacks.instruction import answers
from stages.verifiers.answer import Policy
from stages.verifiers.instruction import LOOSE, judge, read, results, unearned, witness
from stages.verifiers.instructions import KINDS
from stages.verifiers.instructions.sentences import count_sentences, count_words
from stages.verifiers.pool import VerifierPool
from stages.verifiers.verdict import COPIED, UNDONE, Request, Unreadable

DATA = Path(__file__).parent.parent / "data"


def lines(name: str) -> list[dict[str, Any]]:
    text = (DATA / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


ROWS = lines("ifeval/input_data.jsonl")
CASES = lines("ifeval/cases.jsonl") + lines("ifbench/cases.jsonl")
GYM_ROWS = lines("ifbench/rows.jsonl")
#: A paragraph in each language that IFEval's rows ask for, in English and in Chinese.
PARAGRAPHS = json.loads((DATA / "ifeval" / "paragraphs.json").read_text(encoding="utf-8"))
CONTRADICTORY = 1627  # repeat a prompt that holds commas, and use no comma


def holds(text: str, name: str, mode: str = "strict", **arguments: Any) -> bool:
    """Whether one instruction, given as a row of IFEval gives it, is followed."""
    target = read("", {"instruction_id_list": [name], "kwargs": [arguments], "mode": mode})
    return results(text, target.constraints, target.mode)[0]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["type"])
def test_a_type_tells_texts_that_follow_it_from_those_that_do_not(case: dict[str, Any]) -> None:
    def held(texts: list[str]) -> list[str]:
        return [text for text in texts if holds(text, case["type"], **case["arguments"])]

    assert held(case["followed"]) == case["followed"]
    assert held(case["broken"]) == []


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Mr. Smith paid 3.50 dollars. He left!", 2),
        ("She lives in the U.S. and likes it.", 1),
        ('"Why?" he asked. "Because."', 3),
        ("1. Wash it.\n2. Dry it.", 2),
        ("it rained. we stayed in. nobody minded.", 3),
        ("The best, i.e. the newest. Buy it", 2),
        ("Wait... what? No.", 2),
        ("See www.example.com now.", 1),
        ("The answer is no. It closes at 5 p.m. The shop is near.", 3),
        ("... !!! ???", 0),
        ("他说：“好。”然后走了。", 2),
        ("真的吗？！是真的……对。", 2),
        ("我用Python 3.11。It works.", 2),
        ("यह घर है। वह बाग है।", 2),
    ],
)
def test_sentences_are_counted_in_english_and_chinese(text: str, sentences: int) -> None:
    assert count_sentences(text) == sentences


@pytest.mark.parametrize(
    ("text", "words"),
    [("don't stop", 3), ("a well-known 2-day trip", 6), ("我有3只cat。", 5), ("，。！ --", 0)],
)
def test_a_word_is_a_run_of_letters_or_one_han_character(text: str, words: int) -> None:
    assert count_words(text) == words


@pytest.mark.parametrize("language", sorted(PARAGRAPHS))
def test_a_paragraph_is_in_its_own_language_only(language: str) -> None:
    taken = [
        code
        for code in PARAGRAPHS
        if holds(PARAGRAPHS[language], "language:response_language", language=code)
    ]
    assert taken == [language]


def test_text_without_words_is_in_no_language() -> None:
    assert not any(
        holds("123 !!!", "language:response_language", language=code) for code in ("en", "hi")
    )


def test_chinese_may_be_asked_for_by_its_country() -> None:
    assert holds(PARAGRAPHS["zh"], "language:response_language", language="zh-cn")


LOOSENED = "Sure! Here it is, as you asked:\n\n**no comma here**\n\nBye, then."


def test_loose_forgives_a_first_and_a_last_line_and_asterisks_that_strict_does_not() -> None:
    assert not holds(LOOSENED, "punctuation:no_comma")
    assert holds(LOOSENED, "punctuation:no_comma", LOOSE)
    first = {"num_paragraphs": 1, "nth_paragraph": 1, "first_word": "no"}
    assert not holds(LOOSENED, "length_constraints:nth_paragraph_first_word", **first)
    assert holds(LOOSENED, "length_constraints:nth_paragraph_first_word", LOOSE, **first)
    assert not holds("a\nb, c\nd", "punctuation:no_comma", LOOSE)


@pytest.mark.parametrize("mode", ["strict", "loose"])
@pytest.mark.parametrize("text", ["", " \n\t", "\u200b\ufeff"])
def test_an_empty_response_follows_nothing(text: str, mode: str) -> None:
    assert not holds(text, "punctuation:no_comma", mode)


def test_a_response_is_right_when_all_hold_and_the_reason_names_those_that_do_not() -> None:
    kwargs: list[Any] = [None, {"num_placeholders": 1.0, "letter": None}, {}]
    names = ["punctuation:no_comma", "detectable_content:number_placeholders", "startend:quotation"]
    target = read("", {"instruction_id_list": names, "kwargs": kwargs})
    assert judge('"Dear [name]"', target).score == 1.0
    verdict = judge("Dear [name], hello", target)
    assert verdict.score == 0.0
    assert verdict.reason == "not followed: punctuation:no_comma, startend:quotation"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["key"]))
def test_a_row_proves_itself_by_a_response_that_follows_it(row: dict[str, Any]) -> None:
    response = witness("", row)
    if row["key"] == CONTRADICTORY:
        assert response is None
    else:
        assert response is not None
        assert judge(response, read("", row)).score == 1.0
        assert judge("No, ok", read("", row)).score == 0.0


def test_a_row_with_a_reference_is_proved_by_it() -> None:
    assert witness("an answer", ROWS[0]) is None


def test_the_response_is_judged_and_not_the_thought(pool: VerifierPool) -> None:
    metadata = {"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}
    completions = ["<think>a, b</think>\nFine.", "<think>a</think>\nFine, yes.", "<think>Fine."]
    verdicts = pool.verify([Request("instruction", text, "", metadata) for text in completions])
    assert [verdict.score for verdict in verdicts] == [1.0, 0.0, 0.0]


def test_every_type_of_ifeval_and_ifbench_has_rows_or_cases() -> None:
    used = {name for row in ROWS for name in row["instruction_id_list"]}
    assert len(used) == 25
    assert used | {case["type"] for case in CASES} == {name for name in KINDS if ":" in name}


@pytest.mark.parametrize("row", GYM_ROWS, ids=lambda row: str(row["id"]))
def test_a_row_of_ifbench_is_read_as_it_stands(row: dict[str, Any]) -> None:
    assert judge("What is it?", read("", row)).score == 0.0


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"instruction_id_list": ["punctuation:no_comma"], "kwargs": []}, "lists of one length"),
        ({"instruction_id_list": "punctuation:no_comma", "kwargs": [{}]}, "lists of one length"),
        ({"instruction_id_list": ["startend:rhyme"], "kwargs": [{}]}, "unknown constraint type"),
        ({"instruction_id_list": [["a"]], "kwargs": [{}]}, "unknown constraint type"),
        ({"instruction_id_list": [], "kwargs": []}, "at least one constraint"),
        (
            {"instruction_id_list": ["keywords:existence"], "kwargs": [{"keywords": None}]},
            "keywords:existence needs `keywords` as texts",
        ),
        (
            {"instruction_id_list": ["language:response_language"], "kwargs": [{"language": "xx"}]},
            "needs `language` as the code of a language that can be told",
        ),
        (
            {"instruction_id_list": ["startend:end_checker"], "kwargs": [{}]},
            "startend:end_checker needs `end_phrase` as text",
        ),
        (
            {
                "instruction_id_list": ["length_constraints:number_words"],
                "kwargs": [{"relation": "about", "num_words": 3}],
            },
            "needs `relation` as at least or less than",
        ),
        (
            {
                "instruction_id_list": ["punctuation:no_comma"],
                "kwargs": [{}],
                "mode": "lenient",
            },
            "`mode` must be strict or loose",
        ),
    ],
)
def test_a_row_that_cannot_be_read_says_why(metadata: dict[str, Any], message: str) -> None:
    with pytest.raises(Unreadable, match=message):
        read("", metadata)


EVERYTHING: dict[str, Any] = {
    "keywords": ["cat"], "keyword": "cat", "frequency": 3, "relation": "at least",
    "forbidden_words": ["rock"], "letter": "q", "let_relation": "less than", "let_frequency": 3,
    "num_sentences": 5, "num_paragraphs": 3, "num_words": 10, "nth_paragraph": 2,
    "first_word": "cat", "num_placeholders": 3, "postscript_marker": "P.P.S", "num_bullets": 3,
    "num_highlights": 3, "section_spliter": "章", "num_sections": 3, "prompt_to_repeat": "aaa",
    "end_phrase": "bye", "capital_relation": "at least", "capital_frequency": 3, "language": "fr",
    "N": 3, "n": 2, "m": 2, "small_n": 2, "min_words": 2, "max_words": 9, "percentage": 50,
    "reference_text": "a cat sat on a mat", "word": "cat", "last_word": "cat", "n_start": 0,
    "n_end": 9, "n_sent": 2, "n_words": 2, "phrase": "the cat sat on it", "options": "yes/no",
    "sep": "-", **{f"keyword{number}": "cat" for number in range(1, 6)},
}  # fmt: skip


@pytest.mark.parametrize(
    "unit",
    [
        "(",
        "[",
        "<",
        "* ",
        " ",
        "\n ",
        "a",
        "a.",
        "1.\n",
        "，",
        "《",
        "9",
        "{",
        "[1,",
        "第一",
        "\u0591\u0300",
    ],
)
@pytest.mark.timeout(120)
def test_long_texts_are_judged_in_linear_time(unit: str) -> None:
    text = unit * (100_000 // len(unit))
    holds("load the detector", "language:response_language", language="fr")
    for name in (name for name in KINDS if ":" in name):
        holds(text, name, **EVERYTHING)  # some 0.1 s; what is quadratic takes minutes


FORMS = [row for row in (*ROWS, *GYM_ROWS) if "constrained_response" not in str(row)]


def test_a_policy_that_fills_the_form_earns_nothing() -> None:
    requests = [
        Request("instruction", text, "", row, question=row["prompt"])
        for row in FORMS
        for text in answers(row["prompt"], "", row)
    ]
    with VerifierPool(1) as lenient, VerifierPool(1, policy=Policy(strict=True)) as strict:
        right = [request for request, paid in paid_by(lenient, requests) if paid]
        assert {request.question for request in right} >= {row["prompt"] for row in ROWS[:3]}
        assert [request for request, paid in paid_by(strict, right) if paid] == []


def paid_by(pool: VerifierPool, requests: list[Request]) -> list[tuple[Request, bool]]:
    verdicts = pool.verify(requests)
    return [(one, verdict.score == 1.0) for one, verdict in zip(requests, verdicts, strict=True)]


def test_a_response_that_was_worked_for_earns_under_the_strict_policy() -> None:
    texts = [
        "<think>a</think>Cats walk by the moon at night.",
        f"<think>a</think>{HAIKU['prompt']}",
    ]
    requests = [Request("instruction", t, "", HAIKU, question=HAIKU["prompt"]) for t in texts]
    with VerifierPool(1, policy=Policy(strict=True)) as pool:
        verdicts = pool.verify(requests)
    assert (verdicts[0].score, verdicts[1]) == (1.0, COPIED)


PAWS = """Soft paws tread old roofs under a pale moon,
while towns sleep behind shut doors
until somebody pours milk"""
HAIKU: dict[str, Any] = {
    "prompt": "Write a poem about cats. Use no commas and include the word moon.",
    "instruction_id_list": ["punctuation:no_comma", "keywords:existence"],
    "kwargs": [{}, {"keywords": ["moon"]}],
}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Cats walk by the moon.\nThey sing until dawn.", None),
        (PAWS, None),
        ("猫在月亮 moon 下走。它们唱到天亮。", None),
        (HAIKU["prompt"].replace("commas", "comma"), COPIED),
        (HAIKU["prompt"].upper(), COPIED),
        (f"Sure: {HAIKU['prompt']}", COPIED),
        (f"{HAIKU['prompt']}\n{HAIKU['prompt']}", COPIED),
        ("moon a about and cats commas include no poem the", COPIED),
        ("moon moon moon", COPIED),
        ("yes moon", COPIED),
        ("yes moon yes", COPIED),
        ("yes", UNDONE),
        ("This is fine under the moon.\n" * 9, UNDONE),
        ("We have a good day here with you at the moon.", UNDONE),
    ],
)  # fmt: skip
def test_a_response_must_say_more_than_its_prompt(text: str, why: Any) -> None:
    assert unearned(text, "", HAIKU, HAIKU["prompt"]) == why


def test_a_question_that_is_not_known_costs_nothing_but_filler() -> None:
    assert unearned("Cats walk by the moon at night.", "", HAIKU, "") is None


def test_an_answer_that_the_prompt_fixes_may_be_its_words() -> None:
    row = {"constraints": [{"type": "repeat", "word": "cat", "times": 2}]}
    assert unearned("cat cat", "cat cat", row, "Say cat 2 times.") is None
    copy = {"instruction_id_list": ["copy:copy"], "kwargs": [{"prompt_to_repeat": "Write a poem."}]}
    assert unearned("Write a poem.", "", copy, "Write a poem. Copy it.") is None


def test_a_row_with_a_short_reference_is_only_searched_for_its_prompt() -> None:
    fact = {"constraints": [{"type": "contains", "text": "Paris"}]}
    assert unearned("Paris", "Paris", fact, "Capital of France?") is None
    ending = {
        "constraints": [{"type": "contains", "text": "cat"}, {"type": "ends_with", "text": "bye"}]
    }
    question = "Tell me about cat. End with bye."
    assert unearned("I like cat. bye", "I like cat. bye", ending, question) is None
    for text in (question, f"Sure: {question}", "cat bye"):
        assert unearned(text, "I like cat. bye", ending, question) == COPIED, text
