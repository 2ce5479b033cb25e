"""Language consistency: what is a word, whose word it is, and what a prompt asks for."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path

import pytest

from benchmarks.hacks.language import DISGUISES, ENGLISH, FRENCH, PINYIN, SPANISH, TONES, WORDS
from stages.language.consistency import consistency, count_words, detect, mixes_languages, target_of

QUESTIONS = Path(__file__).parents[1] / "data" / "mgsm" / "questions.tsv"
ROWS = [line.split("\t") for line in QUESTIONS.read_text().splitlines()]
MGSM = {language: [row[1] for row in rows] for language, rows in groupby(ROWS, lambda r: r[0])}
PER_WORD = 1.65  # Han characters
SHARED = 0.15  # of the words of a question at most another language has as well (au, total, …)


@pytest.mark.parametrize(
    ("text", "english", "chinese"),
    [
        ("First add three", 3, 0),
        ("先加三", 0, 3),
        ("先 add 三", 1, 2),
        ("it's done", 2, 0),
        ("a x I", 0, 0),
        ("令x等于3", 0, 3),
        ("用Python写", 1, 2),
        ("naïve café, re\u0301sume\u0301", 3, 0),
        ("fi\u200bve ap\u00adples", 2, 0),
        ("ｆｉｖｅ 𝐚𝐩𝐩𝐥𝐞𝐬", 2, 0),
    ],
)
def test_words_are_runs_of_letters(text: str, english: int, chinese: int) -> None:
    assert count_words(text) == (english, chinese, 0)


@pytest.mark.parametrize(
    ("text", "english", "chinese"),
    [
        ("let x_1 be total2, then x = 12 kg", 3, 0),  # let be then
        ("so sin x and log y in triangle ABC, numApples", 4, 0),  # so and in triangle
        ("so $x + y$ and \\(abc(z)\\) and \\[def\\] and \\frac{1}{2}", 4, 0),
        ("so \\[a \\\\[2pt] word\\] and", 2, 0),
        ("so \\begin{align} x \\end{align}", 1, 0),
        ("costs $5 and then $6 more", 4, 0),
        ("run `print(x)` now", 2, 0),
        ("see\n```python\nfor word in words: pass\n```\nthe end", 3, 0),
        ("see ```for word in words", 1, 0),
        ("so\n\n    for word in words:\n        total += word;\n\nit ends", 3, 0),
        ("so:\n    - first we add", 4, 0),
        ("<b>bold</b> <answer>yes</answer>", 2, 0),
        ("see https://example.org/some/page now", 2, 0),
    ],
)
def test_code_formulas_and_names_are_no_words(text: str, english: int, chinese: int) -> None:
    assert count_words(text) == (english, chinese, 0)


@pytest.mark.parametrize(
    "hidden",
    [
        "$\\text{let us add all the numbers now}$",
        "$let us add all the numbers now$",
        "`let us add all the numbers now`",
        "```\nlet us add all the numbers now\n```",
        "\\(\\textbf{let us add all} x \\text{ the numbers now}\\)",
    ],
)
def test_prose_cannot_hide_as_code_or_formula(hidden: str) -> None:
    assert count_words(f"先加后减 {hidden}") == (7, 4, 0)


def test_padding_inside_code_or_latex_does_not_raise_the_share() -> None:
    bare = consistency("先加 then subtract", "en")
    for padded in ("`for the in of:`", "$the = of \\frac{and}{so}$", "```\nx = the.of(and)\n```"):
        assert consistency(f"先加 then subtract {padded}", "en") == bare


def test_consistency_is_the_share_of_words_in_the_target_language() -> None:
    assert consistency("First we add, 然后相减", "en") == pytest.approx(3 / (3 + 4 / PER_WORD))
    assert consistency("First we add, 然后相减", "zh") == pytest.approx(1 - 3 / (3 + 4 / PER_WORD))
    assert consistency("先加后减：$3+4-2=5$", "zh") == 1.0
    assert consistency("先加後減，總數為五個蘋果", "zh") == 1.0
    assert consistency("先加后减", "en") == 0.0
    assert consistency("сначала add", "en") == 0.5


@pytest.mark.parametrize(
    ("text", "target"),
    [("3+4=7", "en"), ("", "zh"), ("$x$ `y` 5", "zh"), ("Erst addieren", "xx"), ("So", "")],
)
def test_without_words_or_a_known_target_nothing_is_measured(text: str, target: str) -> None:
    assert consistency(text, target) is None


def test_a_word_of_two_alphabets_is_of_neither() -> None:
    assert consistency("the аnswer is fivе", "en") == 0.5  # Cyrillic а and е
    assert consistency("the Δx and μm", "en") == 1.0


@pytest.mark.parametrize("language", MGSM)
def test_a_text_is_wholly_in_its_own_language_and_in_no_other(language: str) -> None:
    for question in MGSM[language]:
        assert detect(question) == language
        own = consistency(question, language)
        assert own is not None
        assert own > 0.9  # names in Latin letters are words of another language
        for other in {"en", "fr", "zh", "ja", "ru", "th", "bn"} - {language}:
            assert (consistency(question, other) or 0.0) <= 1 - own + SHARED


def test_sentences_of_one_alphabet_are_told_apart_within_a_text() -> None:
    mixed = f"{MGSM['en'][0]} {MGSM['fr'][0]}"
    english, french = consistency(mixed, "en"), consistency(mixed, "fr")
    words = [count_words(MGSM[name][0]).latin for name in ("en", "fr")]
    assert english == pytest.approx(words[0] / sum(words), abs=0.1)
    assert french == pytest.approx(words[1] / sum(words), abs=0.1)


@pytest.mark.parametrize(
    ("thought", "language"),
    [
        (
            "Eerst tellen we de appels, dan is het antwoord vijf, want dat was de som van wat is",
            "nl",
        ),
        ("Najpierw dodajemy jabłka, a potem to, co zostało do zjedzenia, więc to jest pięć", "pl"),
        (
            "Først regner vi ut hvor mange epler hun har, og så trekker vi fra de hun har spist",
            "no",
        ),
        ("Pertama kita menghitung apel, lalu mengurangi yang dimakan, jadi jawabannya lima", "id"),
    ],
)
def test_a_language_with_close_kin_is_not_taken_for_english(thought: str, language: str) -> None:
    assert consistency(thought, "en") == 0.0
    assert consistency(thought, language) == 1.0


@pytest.mark.parametrize("thought", [SPANISH, FRENCH, PINYIN, TONES])
@pytest.mark.parametrize("dress", DISGUISES)
def test_a_foreign_thought_earns_next_to_nothing_in_whatever_dress(
    thought: str, dress: str
) -> None:
    dressed = DISGUISES[dress](thought)
    assert (consistency(dressed, "en") or 0.0) < 0.1
    assert not consistency(dressed, "zh")
    beside = consistency(f"{ENGLISH} {dressed}", "en")
    assert beside is not None
    assert beside < 0.9


def test_an_english_thought_is_foreign_in_french_as_a_french_one_in_english() -> None:
    assert consistency(ENGLISH, "fr") == consistency(ENGLISH, "es") == 0.0
    assert (
        consistency(FRENCH, "fr") == consistency(SPANISH, "es") == consistency(ENGLISH, "en") == 1.0
    )


@pytest.mark.parametrize(
    ("thought", "share"),
    [
        ("She buys five manzanas and then eats two of them, so there are three left.", 14 / 15),
        ("The perro has three apples and the cat has four apples, so they have seven.", 14 / 15),
        ("First we add, entonces we subtract three from the sum of both numbers.", 11 / 12),
        ("Nous ajoutons les deux nombres, then nous soustrayons trois du résultat.", 10 / 11),
    ],
)
def test_one_foreign_word_costs_about_its_share(thought: str, share: float) -> None:
    target = "fr" if thought.startswith("Nous") else "en"
    assert consistency(thought, target) == pytest.approx(
        share, abs=0.1
    )  # at most a neighbour goes with it


@pytest.mark.parametrize(
    "thought",
    [
        "Juan García and Wang Xiaoming share the cost with François, and Jürgen pays for Giulia.",
        "By Vieta the integrand is a bijection, so the parabola has two foci and the sine is zero.",
        "We roll a die, put the pie on sale, and pour the rest for the men at the end of the tour.",
        "In triangle ABC we have AB = AC, and DE is parallel to BC, so AD = AE and BD = CE.",
        "Let num_apples be the total and maxValue the largest, then max_sub_array ends at idx.",
        "The mass is $5\\,\\mathrm{kg}$, the atom $\\mathrm{He}$, so $\\operatorname{lcm}(a, b)$.",
    ],
)
def test_names_terms_and_shared_words_are_not_foreign(thought: str) -> None:
    assert consistency(thought, "en") == 1.0


def test_honest_names_and_formulas_cost_a_chinese_thought_nothing() -> None:
    thought = "在三角形ABC中，设变量num_apples为3，单位$\\mathrm{kg}$，则`max_value`等于五，再检查"
    assert consistency(thought, "zh") == 1.0


def test_a_thought_of_numbers_earns_no_more_than_its_words() -> None:
    digits = " ".join(str(7919 * n % 1000) for n in range(100))
    for start, target in (("so", "en"), ("所以", "zh")):
        assert (consistency(f"{start} {digits}", target) or 0.0) < 0.2
        assert not mixes_languages(f"{start} {digits}", target)
    assert consistency("first 3+4-2+5-1=9, so it is 9.", "en") == 1.0


def test_thoughts_of_r1_keep_what_they_have() -> None:
    row = json.loads((QUESTIONS.parents[1] / "traces" / "r1.json").read_text())[0]
    share = consistency(row["message_thinking"], "en")
    assert share is not None
    assert share > 0.995
    assert mixes_languages(row["message_thinking"], "en") is False


@pytest.mark.parametrize(("target", "foreign"), [("en", SPANISH), ("en", PINYIN), ("zh", ENGLISH)])
def test_a_wall_of_unconnected_words_earns_nothing_alone_or_after_a_foreign_thought(
    target: str, foreign: str
) -> None:
    wall = " ".join(WORDS[target].split())
    assert consistency(wall, target) == 0.0
    assert consistency(f"{foreign} {wall}", target) == pytest.approx(0.0, abs=0.05)


def test_a_filler_of_sentences_after_a_foreign_thought_earns_its_share() -> None:
    words = [len(thought.split()) for thought in (SPANISH, ENGLISH)]
    share = consistency(f"{SPANISH} {ENGLISH}", "en")
    assert share == pytest.approx(words[1] / sum(words), abs=0.05)


def test_a_thought_mixes_languages_when_one_word_in_twenty_is_of_another() -> None:
    assert mixes_languages(f"{ENGLISH} 先算", "en") is False
    assert mixes_languages(f"{ENGLISH} 然后再检查一遍", "en") is True
    assert mixes_languages("3+4=7", "en") is None


def test_han_belongs_to_the_language_of_its_sentence() -> None:
    japanese, chinese = MGSM["ja"][2], MGSM["zh"][2]
    assert consistency(chinese, "ja") == 0.0
    shares = [consistency(f"{japanese}\n{chinese}", target) for target in ("zh", "ja")]
    assert shares == [pytest.approx(0.34, abs=0.01), pytest.approx(0.66, abs=0.01)]
    assert consistency("リンゴを三個買った。合計三個。", "ja") == 1.0


def test_codes_with_a_region_name_their_language() -> None:
    assert consistency("先加后减", "zh-Hant") == consistency("First add", "EN_us") == 1.0


def prompt(text: str, **columns: str) -> dict[str, object]:
    system = {"role": "system", "content": "Réponds toujours en français, s'il te plaît, merci."}
    return {"prompt": [system, {"role": "user", "content": text}], **columns}


@pytest.mark.parametrize(
    ("row", "target"),
    [
        (prompt("先算三加四", language="en"), "en"),
        (prompt("先算三加四"), "zh"),
        (prompt("先算三加四", language=""), "zh"),
        (prompt("写f(x)：加3，再乘4。`def f(x): return x`"), "zh"),
        (prompt(MGSM["fr"][0]), "fr"),
        (prompt("Simplify $\\frac{12}{18}$."), "en"),
        (prompt("$3+4=?$"), ""),
        ({"language": None}, ""),
    ],
)
def test_the_target_is_the_rows_language_or_the_prompts_own(row: dict, target: str) -> None:
    assert target_of(row) == target


@pytest.mark.parametrize(
    "unit",
    ["(", " ", "a", "$", "$a", "`a", "```", "\\(", "\\[", "\\text{", "\\mathrm{", "\\begin{align}",
     "<a", "http://", "的", "の",
     "а", "aа", "a_", "a1", "aB ", "AB ", "a b ", "an", "zqx ", "mi ", "perro ", "[asy]",
     "\n\ta", "ก", "\u200b", "\\", "a\u0301", "\ud800", "\x00", "word. "],
)  # fmt: skip
@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_megabyte_of_anything_is_measured_within_seconds(unit: str) -> None:
    text = (unit * 1_000_000)[:1_000_000]
    for target in ("en", "fr", "zh", "ja"):
        consistency(text, target)


@pytest.mark.parametrize("sign", ["①②③", "x²", "½", "x\u0304", "5 \u2126", "Ⅷ"])
def test_numbers_and_signs_of_mathematics_are_words_of_no_language(sign: str) -> None:
    """Rings, powers, fractions, an accent without a letter of its own, the ohm, a Roman number."""
    assert consistency(f"{ENGLISH} {sign}", "en") == 1.0
