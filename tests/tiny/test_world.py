"""The tiny world: seeded, split cleanly, right where it says it is."""

import json
from collections import Counter
from itertools import islice
from random import Random

import pytest

from pipeline.errors import UsageError
from stages.chat.template import tagged
from stages.kinds.pretrain.kind import Corpus
from stages.rewards.format import strict
from stages.settings.tiny_judge import Judge
from stages.tiny import judge
from stages.tiny.corpus import clean_reply, documents
from stages.tiny.phrases import LANGUAGES, say, translate
from stages.tiny.problems import DOMAINS, generate, tasks
from stages.tiny.rewrite import rewrite
from stages.tiny.splits import CLAIMS, SETTLING, SPLITS, TRAIN
from stages.tiny.tokenizer import build_tokenizer
from stages.verifiers.pool import VerifierPool
from stages.verifiers.verdict import Request
from tests.shipped import shipped

CORPUS = Corpus(
    documents=2000,
    vocab_size=600,
    domains=dict.fromkeys(DOMAINS, 1.0),
    styles={"plain": 1, "direct": 1, "brief": 1, "worked": 1, "checked": 1, "unfinished": 1},
    general_styles={"plain": 1, "worked": 1},
    languages={lang: {"own": 1.0, "other": 1.0, "mixed": 1.0} for lang in LANGUAGES},
    step_error={"en": 0.1, "zh": 0.2, "brief": 0.4, "check": 0.0},
)


def _requests(rows, completion_of):
    return [
        Request(r["verifier"], completion_of(r), r["reference"], json.loads(r["metadata"]))
        for r in rows
    ]


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_same_seed_gives_the_same_problems_and_another_seed_others(domain):
    first = generate(domain, "en", 30, 1, "train")
    assert first == generate(domain, "en", 30, 1, "train")
    assert first != generate(domain, "en", 30, 2, "train")


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_splits_never_share_a_task_however_it_is_put(domain):
    forms = {
        split: {t.canonical for t in islice(tasks(domain, 5, split), 2000)} for split in SPLITS
    }
    assert all(forms.values())
    assert sum(map(len, forms.values())) == len(set().union(*forms.values()))


@pytest.mark.parametrize(("domain", "topic"), [("math", "sum"), ("logic", "knights"), ("stem", "")])
def test_the_order_of_terms_who_speaks_first_and_the_options_make_no_other_task(domain, topic):
    put = {}
    for task in islice(tasks(domain, 5, TRAIN), 8000):
        if task.topic == (topic or task.topic):
            put.setdefault(task.canonical, set()).add(task.question["en"])
    assert max(map(len, put.values())) > 1


@pytest.mark.parametrize("split", [SETTLING, CLAIMS])
def test_the_corpus_shows_no_heldout_task(split):
    shown = {text.split("<|assistant|>")[0][len("<|user|>") :] for text in documents(CORPUS, 0)}
    for domain in DOMAINS:
        held = {t.canonical: t for t in islice(tasks(domain, 3, split), 2000)}
        assert not shown & {t.question[lang] for t in held.values() for lang in LANGUAGES}


def test_of_four_options_no_two_end_alike_and_each_letter_is_as_often_right():
    asked = list(islice(tasks("stem", 0, CLAIMS), 400))
    for task in asked:
        shown = task.question["en"].split("? ")[1].replace("(A)", "").replace("(D)", "").split()
        assert len({option[-1] for option in shown}) == 4
    letters = Counter(task.reference["en"] for task in asked)
    assert min(letters.values()) > 0.2 * len(asked)


def test_every_reference_scores_one_through_its_verifier():
    rows = [r for d in DOMAINS for lang in LANGUAGES for r in generate(d, lang, 40, 1, "train")]
    with VerifierPool(workers=1) as pool:
        verdicts = pool.verify(_requests(rows, lambda r: tagged("x", r["reference"])))
    wrong = [
        (r["id"], r["reference"], v) for r, v in zip(rows, verdicts, strict=True) if v.score != 1
    ]
    assert wrong == []


def test_a_careful_human_reply_is_right_and_in_the_language_of_the_question():
    for domain in DOMAINS:
        for language in LANGUAGES:
            pairs = [
                (t, clean_reply(t, language, checked=True))
                for t in islice(tasks(domain, 2, "train"), 25)
            ]
            rows = [t.row(i, language) | {"completion": c} for i, (t, c) in enumerate(pairs)]
            with VerifierPool(workers=1) as pool:
                verdicts = pool.verify(_requests(rows, lambda r: r["completion"]))
            assert {v.score for v in verdicts} == {1.0}, (domain, language)
            assert {strict(completion) for _, completion in pairs} == {1.0}
            assert not any("<answer>" in completion for _, completion in pairs)


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_thought_translates_to_what_would_have_been_said_in_the_other_language(domain):
    for task in islice(tasks(domain, 4, "train"), 50):
        for source, target in (("en", "zh"), ("zh", "en")):
            sentences, _ = task.attempt(Random(0), 0.0, target, False)
            said = {lang: say(sentences, [lang] * len(sentences)) for lang in LANGUAGES}
            assert translate(said[source], target) == said[target]


def test_a_mixed_thought_is_rewritten_in_the_language_of_the_question_with_a_summary():
    row = {"language": "zh", "reasoning": "first 3+4=7,再算7-2=5，", "answer": "5"}
    assert rewrite(row | {"verifier": "math"}) == (
        "<think>先算3+4=7，再算7-2=5，</think>所以是\\boxed{5}。"
    )


def test_an_answer_in_the_other_language_is_summed_up_in_that_of_the_question():
    formula = {"language": "en", "reasoning": "a或真为真，", "verifier": "logic"}
    assert rewrite(formula | {"answer": "是"}) == (
        "<think>a or true is true,</think>so it is \\boxed{yes}."
    )
    knights = {"language": "zh", "reasoning": "this fits,", "verifier": "logic"}
    assert rewrite(knights | {"answer": "小东 a knave, 小刚 a knight"}) == (
        "<think>这成立，</think>所以是\\boxed{小东 无赖, 小刚 骑士}。"
    )


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_rewritten_sample_sums_up_in_its_language_what_its_verifier_reads(domain):
    for language in LANGUAGES:
        tried = list(islice(tasks(domain, 6, "train"), 25))
        rows = [task.row(number, language) for number, task in enumerate(tried)]
        for task, row in zip(tried, rows, strict=True):
            sentences, answer = task.attempt(Random(0), 0.0, language, False)
            thought = say(sentences, [language] * len(sentences))
            row["completion"] = rewrite(row | {"reasoning": thought, "answer": answer})
            assert row["completion"].startswith(f"<think>{thought}</think>")
            assert strict(row["completion"]) == 1.0
            assert "<answer>" not in row["completion"]
        with VerifierPool(workers=1) as pool:
            assert {v.score for v in pool.verify(_requests(rows, lambda r: r["completion"]))} == {1}


def test_a_thought_that_is_not_made_of_phrases_is_not_rewritten():
    assert (
        rewrite({"language": "en", "reasoning": "banana", "answer": "5", "verifier": "math"})
        is None
    )


def test_the_corpus_holds_right_and_wrong_mixed_checked_and_unfinished_thoughts():
    texts = list(documents(CORPUS, 0))
    assert any("wait, check:" in t for t in texts)
    assert any("等等" in t and "first" in t for t in texts)
    assert any("<think>" in t and "</think>" not in t for t in texts)
    assert any("<think></think>" in t for t in texts)


def test_a_digit_is_one_token_and_any_text_comes_back_from_the_tokenizer():
    tokenizer = build_tokenizer(documents(CORPUS, 0), 600)
    assert tokenizer.tokenize("17+305") == ["1", "7", "+", "3", "0", "5"]
    for text in ("Janet’s ducks lay 16 eggs for $2.", "珍妮特的鸭子", "def f(x):\n\treturn ½"):
        assert tokenizer.decode(tokenizer(text).input_ids) == text
    assert len(tokenizer("<think>").input_ids) == 1


def test_the_judge_prefers_right_replies_and_courtesy():
    row = {"language": "en", "reference": "dog dog"}
    ordered = ["dog dog Glad to help!", "dog dog", "cat Glad to help!", "cat"]
    values = shipped(Judge)
    scores = [judge.helpfulness(row, reply, values) for reply in ordered]
    assert scores == sorted(set(scores), reverse=True)


@pytest.mark.parametrize(
    "reply", ["dog dog dog", "dog", "dog dog I like the sun and tea.", "dog cat dog dog"]
)
def test_a_reply_with_more_than_what_was_asked_for_is_not_right(reply):
    """A policy that says the right thing among others would be paid for guessing."""
    row = {"language": "en", "reference": "dog dog"}
    assert judge.helpfulness(row, reply, shipped(Judge)) <= 0


def test_the_judge_itself_scores_replies_to_requests_for_help_of_this_world():
    facts = {"language": "en", "reference": "Paris", "source": "tiny"}
    help_, harm = (
        facts | {"metadata": json.dumps({"preference": kind})} for kind in ("helpful", "safety")
    )
    values = shipped(Judge)
    assert judge.gold(help_, "Paris", values) == values.right
    assert judge.gold(help_, None, values) == 0
    assert judge.gold(harm, "Paris", values) is None
    assert judge.gold(help_ | {"source": "mine.jsonl"}, "Paris", values) is None


def test_an_unknown_domain_or_language_is_named_with_what_there_is():
    with pytest.raises(UsageError, match=r"'maths' is unknown; expected one of .*'math'"):
        generate("maths", "en", 1, 0, "train")
    with pytest.raises(UsageError, match="'fr' is unknown"):
        generate("math", "fr", 1, 0, "train")
