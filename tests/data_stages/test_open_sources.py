"""The public sources of conf/data, each on rows made to its card, and the rows that it leaves."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.compose import compose
from pipeline.errors import RecipeError, UsageError
from stages.kinds.conversations import run as conversations
from stages.kinds.conversations.kind import ConversationsConfig
from stages.kinds.dataset.kind import DatasetConfig, rules
from stages.kinds.dataset.run import run
from stages.project import R1
from stages.rows.schemas import read_rows
from stages.settings.values import refuse
from stages.verifiers.pool import VerifierPool
from stages.verifiers.selfcheck import check_references
from stages.verifiers.verdict import request_of
from tests.shipped import shipped

ROOT = Path(__file__).resolve().parents[2]
OPEN = ROOT / "tests/data/open_rows"

TALK = [
    {"role": "user", "content": "Name three trees.", "language": "English", "toxic": False},
    {"role": "assistant", "content": "Oak, elm, ash.", "language": "English", "toxic": False},
]
WILD = {"conversation": TALK, "language": "English", "toxic": False, "redacted": False, "turn": 1}
GPQA = {
    "Question": "Which is largest?", "Correct Answer": "four", "Incorrect Answer 1": "one",
    "Incorrect Answer 2": "two", "Incorrect Answer 3": "three", "Subdomain": "Physics (general)",
    "Record ID": "rec0", "High-level domain": "Physics",
}  # fmt: skip
CMB = {
    "exam_type": "医师考试", "exam_class": "执业医师", "exam_subject": "内科",
    "question": "体温的正常值是",
    "answer": "B", "question_type": "单项选择题",
    "option": {"A": "35", "B": "36.5", "C": "38", "D": "39", "E": "40", "F": ""},
}  # fmt: skip
MANY = {
    "key": "a", "dataset": "ifeval", "constraint_type": "multi", "constraint": "…",
    "messages": [{"role": "user", "content": "Tell me about rivers. End with the word sea."}],
    "ground_truth": str([{
        "instruction_id": ["last_word:last_word_answer", "punctuation:no_comma"],
        "kwargs": [{"last_word": ["sea"]}, None],
    }]),
}  # fmt: skip
STEER = {
    "domain": "general", "language": "english", "context": TALK[:1], "response1": "Oak.",
    "response2": "Elm.", "overall_preference": -1,
}  # fmt: skip
GUARD = {"id": "1", "prompt": "How is glass cut?", "prompt_label": "safe", "response": "With care."}
VALUES = {
    "prompt": "老人应该学会上网吗？",
    "pos_resp": "可以。",
    "neg_resp": "不必。",
    "neg_type": "风险回复",
}
CEVAL = {
    "id": 0,
    "question": "下列正确的是",
    "A": "一",
    "B": "二",
    "C": "三",
    "D": "四",
    "answer": "C",
}
PRO = {
    "question_id": 70, "question": "Which?", "options": ["N/A", "b", "c"], "answer": "C",
    "answer_index": 2, "category": "physics", "src": "ori_mmlu-physics",
}  # fmt: skip
DAPO = {"prompt": "一加一等于几？", "solution": "2", "data_source": "math_dapo", "ability": "MATH"}

#: source → a row made to its card; domain, language, verifier and reference of what it becomes.
MADE: dict[str, tuple[dict[str, Any], tuple[str, str, str, str]]] = {
    "acereason_math": ({"problem": "1 + 1?", "answer": "2"}, ("math", "en", "math", "2")),
    "dapo_math_zh": (DAPO, ("math", "zh", "math", "2")),
    "cmb_choice": (CMB, ("stem", "zh", "choice", "B")),
    "if_multi_constraints": (MANY, ("general", "en", "instruction", "")),
    "helpsteer3_prompts": (STEER, ("general", "en", "", "")),
    "wildchat_prompts": (WILD, ("general", "en", "", "")),
    "safety_guard_prompts": (GUARD, ("general", "en", "", "")),
    "cvalues_prompts": (VALUES, ("general", "zh", "", "")),
    "gpqa_diamond": (GPQA, ("stem", "en", "choice", "B")),
    "mmlu_pro": (PRO, ("stem", "en", "choice", "B")),
    "ceval": (CEVAL, ("general", "zh", "choice", "C")),
}
#: Rows that a source has as well, and that are not to be read.
OTHERS: dict[str, list[dict[str, Any]]] = {
    "cmb_choice": [{"question_type": "多项选择题", "answer": "AB"}],
    "helpsteer3_prompts": [{"domain": "code", "language": "python"}],
    "wildchat_prompts": [{"language": "French"}, {"toxic": True}, {"redacted": True}],
    "safety_guard_prompts": [{"prompt": "REDACTED"}],
}


@pytest.fixture(scope="module")
def sources():
    """The stages that conf/data describes, by name."""
    names = [*MADE, "nemotron_mcqa"]
    words = [f"+data@stages.{name}={name}" for name in names]
    stages = compose(R1, [*words, "stages.ceval.path=mine.jsonl"]).stages
    return {name: stages[name] for name in names}


@pytest.fixture(scope="module")
def pool():
    with VerifierPool(1) as made:
        yield made


@pytest.fixture
def load(sources, make_context, tmp_path):
    """`load(source, *rows)`: what its stage makes of a file of these rows, and the funnel."""

    def _load(source: str, *rows: dict[str, Any]):
        path = tmp_path / "rows.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        context = make_context(tmp_path / "stage", stage=source)
        outputs = run(dataclasses.replace(sources[source], path=str(path)), {}, context)
        return read_rows(context.output / "rows.parquet"), dict(outputs.funnel)

    return _load


@pytest.mark.parametrize("source", MADE)
def test_a_source_reads_rows_made_to_its_card_and_not_those_that_it_leaves(load, pool, source):
    row, expected = MADE[source]
    others = OTHERS.get(source, [])
    rows, funnel = load(source, row, *(row | change for change in others))
    (found,) = rows
    assert tuple(found[n] for n in ("domain", "language", "verifier", "reference")) == expected
    assert funnel.get("not_asked_for", 0) == len(others)
    assert check_references(rows, pool) == []


def test_the_science_questions_of_nemotron_are_real_rows(load, pool):
    """Rows of the set's own repository (tests/data/open_rows); each proves itself."""
    given = [json.loads(line) for line in (OPEN / "mcqa.jsonl").read_text().splitlines()]
    rows, funnel = load("nemotron_mcqa", *given)
    assert funnel == {"read": 5, "kept": 5}
    assert [row["reference"] for row in rows] == ["B", "C", "I", "E", "E"]
    assert check_references(rows, pool) == []


def test_every_source_tells_its_licence_home_and_languages(sources):
    for name, config in sources.items():
        assert config.about.licence, name
        assert config.about.home, name
        assert config.about.languages, name


def test_the_place_of_the_right_option_follows_from_the_texts_alone(load):
    swapped = {"Incorrect Answer 1": "three", "Incorrect Answer 3": "one"}
    rows, _ = load("gpqa_diamond", GPQA, GPQA | swapped, GPQA | {"Question": "Which is smallest?"})
    assert rows[0]["prompt"] == rows[1]["prompt"]
    right = {row["reference"] for row in (*rows, *_places(load))}
    assert right == set("ABCD")


def _places(load):
    return load("gpqa_diamond", *(GPQA | {"Question": f"Question {n}?"} for n in range(30)))[0]


def test_secret_answers_stop_an_evaluation(load):
    with pytest.raises(RecipeError, match="row 1: no reference answer"):
        load("ceval", CEVAL | {"answer": ""})


# Constraints ------------------------------------------------------------------------------------


def test_constraints_are_read_from_a_literal_that_is_never_run(load, tmp_path):
    evil = f"__import__('pathlib').Path({str(tmp_path / 'ran')!r}).touch()"
    rows, funnel = load(
        "if_multi_constraints",
        MANY,
        MANY,
        MANY | {"ground_truth": evil},
        MANY | {"ground_truth": "[" * 5000},
        MANY | {"ground_truth": "[{'instruction_id': []}]"},
        MANY | {"ground_truth": str([{"instruction_id": ["rhymes:all"], "kwargs": [None]}])},
        MANY | {"ground_truth": str([{"instruction_id": ["keywords:word_once"], "kwargs": [{}]}])},
    )
    assert not (tmp_path / "ran").exists()
    assert funnel == {"read": 7, "unreadable_row": 3, "does_not_fit": 2, "kept": 2}
    facts = json.loads(rows[0]["metadata"])
    assert facts == {
        "instruction_id_list": ["last_word:last_word_answer", "punctuation:no_comma"],
        "kwargs": [{"last_word": "sea"}, {}],
        "preference": "helpful",
    }


def test_the_constraints_of_a_row_judge_its_answers(load, pool):
    rows, _ = load("if_multi_constraints", MANY)
    answers = ["Rivers rise in hills and end in the sea", "Rivers end in the sea, and so"]
    verdicts = list(pool.verify([request_of(rows[0], answer) for answer in answers]))
    assert [verdict.score for verdict in verdicts] == [1.0, 0.0]


WORD, ASKED = {"keyword": "war"}, {"prompt_to_repeat": "Tell me about rivers."}
OFTEN = {"relation": "at least", "frequency": 2}
#: The 29 kinds that IFBench keeps for training, each with the names of its arguments upstream.
TRAINED = {
    "copy:repeat_phrase": {"phrase": "the ox ran to the gate", "small_n": 3},
    "copy:copy": ASKED,
    "new:copy_span_idx": ASKED | {"n_start": 0, "n_end": 6},
    "detectable_format:sentence_hyphens": None,
    "keywords:no_adjacent_consecutive": None,
    "detectable_format:square_brackets": None,
    "keywords:word_once": WORD,
    "keywords:word_count_different_numbers": WORD | OFTEN,
    "keywords:exclude_word_harder": WORD,
    "paragraphs:paragraphs": {},
    "paragraphs:paragraphs2": {},
    "first_word:first_word_sent": {"first_word": ["war"]},
    "first_word:first_word_answer": {"first_word": "war"},
    "last_word:last_word_sent": {"last_word": ["war"]},
    "last_word:last_word_answer": {"last_word": "war"},
    "detectable_format:bigram_wrapping": None,
    "copy:copying_simple": ASKED,
    "copy:copying_multiple": ASKED | {"N": 3},
    "punctuation:punctuation_dot": None,
    "punctuation:punctuation_exclamation": None,
    "count:lowercase_counting": {"N": 3},
    "letters:letter_counting": {"N": 3, "relation": "less than"},
    "letters:letter_counting2": {"letter": "w", "let_frequency": 2, "let_relation": "at least"},
    "count:counting_composition": {"n_sent": 2, "n_words": 3},
    "count:count_unique": None,
    "count:count_increment_word": {"keyword1": "war", "keyword2": "sea"},
    "keywords:palindrome": None,
    "keywords:keyword_specific_position": WORD | {"n": 2, "m": 3},
    "keywords:start_end": None,
}


def test_every_kind_that_ifbench_keeps_for_training_is_read_with_its_arguments(load):
    assert len(TRAINED) == 29
    rows = [
        MANY | {"ground_truth": str([{"instruction_id": [kind], "kwargs": [arguments]}])}
        for kind, arguments in TRAINED.items()
    ]
    assert load("if_multi_constraints", *rows)[1] == {"read": 29, "kept": 29}


def test_a_set_of_which_few_rows_fit_is_another_set(load):
    """The years of a quiz are numbers, and its names are not: none of it is mathematics."""
    year = {"problem": "When did the wall fall?", "answer": "1989"}
    names = [{"problem": "Who wrote Hamlet?", "answer": "William Shakespeare"}] * 2
    with pytest.raises(RecipeError, match=r"2 of 3 rows are not what is read here.*most_unfit"):
        load("acereason_math", year, *names)
    assert load("acereason_math", year, names[0])[1]["kept"] == 1


# Settings ---------------------------------------------------------------------------------------

MINE = {"format": "problems", "path": "mine.jsonl"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"columns": {"prompt": "q", "gold": "a"}}, "columns: has gold: expected any of prompt, r"),
        ({"columns": {"answer": "gold"}}, "columns: has no `prompt`"),
        ({"verifier": "maths"}, "verifier: is 'maths': expected one of choice, code"),
        ({"domain": "algebra"}, "domain: is 'algebra': expected one of math, code"),
        ({"format": "gsm8k", "domain": "math"}, "domain: is set, which format gsm8k does not read"),
        ({"where": {"score": 9}}, "where.score: is 9: expected a list of values, or bounds"),
        ({"where": {"score": {"over": 9}}}, "where.score: has over: expected at_least"),
        ({"where": {"score": {"above": "x"}}}, "where.score: is .* a bound must be a number"),
    ],
)
def test_what_a_stage_asks_of_columns_is_looked_at_before_anything_is_read(words, message):
    with pytest.raises(UsageError, match=message):
        refuse(rules(DatasetConfig("dataset", seed=0, **(MINE | words))), "stages.mine")


def test_conversations_are_taken_by_their_own_columns_too(make_context, tmp_path):
    path = tmp_path / "rows.jsonl"
    row = {"input": "1 + 1?", "content": "2", "reasoning_content": "Add.", "score": 10}
    path.write_text(
        "".join(json.dumps(row | {"score": score}) + "\n" for score in (10, 3, None, 9))
    )
    columns = {"prompt": "input", "completion": "content", "thought": "reasoning_content"}
    config = shipped(
        ConversationsConfig,
        "conversations",
        path=str(path),
        seed=0,
        columns=columns,
        where={"score": {"at_least": 9}},
    )
    context = make_context(tmp_path / "stage", stage="cold")
    outputs = conversations.run(config, {}, context)
    assert outputs.funnel == {"read": 4, "not_asked_for": 2, "kept": 2}
    with pytest.raises(RecipeError, match=r"row 1: no column `points`; found input"):
        conversations.run(dataclasses.replace(config, where={"points": [1]}), {}, context)
