r"""Mathematics: the prompt is the question as it stands; the reference is the final answer.

GSM8K      {"question": "Janet’s ducks lay 16 eggs…", "answer": "She sells…\n#### 18"}
MGSM       珍妮特的鸭子每天下 16 颗蛋。…<tab>18    (on the hub: question, answer_number)
CMATH      {"grade": 1, "input": "芳芳买了一本书有99页…", "golden": "9", "reasoning_step": 1,
           "num_digits": 2}                    (on the hub `question` for `input`)
MATH-500   {"problem": "Convert the point $(0,3)$…", "solution": "We have…", "answer":
           "\\left( 3, \\frac{\\pi}{2} \\right)", "subject": "Precalculus", "level": 2,
           "unique_id": "test/precalculus/807.json"}
MATH       {"problem": "How many vertical…", "level": "Level 3", "type": "Algebra",
           "solution": "… has $\\boxed{2}$ vertical asymptotes."}
AIME       {"id": 60, "problem": "Every morning Aya…", "answer": "204", "year": "2024", …}, or
           {"Year": 1983, "Problem Number": 1, "Question": "Let $x$…", "Answer": "60"}
AMC        {"id": 0, "problem": "Cities $A$ and $B$ are $45$ miles apart…", "answer": 27.0}
OlymMATH   {"problem": "Given a non-negative integer sequence…", "answer": "948", "subject":
           "Combinatorics", "unique_id": "OlymMATH-EASY-0-EN"}
Minerva    {"problem": "Each of the two Magellan telescopes…", "solution": "… \\boxed{1.6}
           \\mathrm{~cm}", "type": "Introduction to Astronomy (8.282J Spring 2006)", "idx": 0}
middle school  {"question": "下列四个数中，最小的数是()\nA.-2  B.0  C. 3  D.  -1/2", "answer":
           "-2", "choice_answer": "A"}, or any answer with choice_answer ""
"""

from __future__ import annotations

from stages.language.codes import is_code
from stages.rows.files import BadRow, Raw
from stages.rows.formats.columns import answer_of, facts_of, problem, text_of
from stages.rows.formats.fit import (
    MATHS,
    label_of,
    refuse_beside,
    refuse_no_mathematics,
    refuse_other_tasks,
)
from stages.rows.formats.options import in_text
from stages.rows.schemas import Row
from stages.rows.sources import Origin

FINAL_ANSWER = "####"
BOXED = "\\boxed"
MGSM_LANGUAGES = ("bn", "de", "en", "es", "fr", "ja", "ru", "sw", "te", "th", "zh")
QUESTIONS = ("problem", "Problem", "question", "Question")
ANSWERS = ("answer", "Answer", "expected_answer")
SOLUTIONS = ("solution", "reference_solution")  # kept: training rows must not share a part of one
FACTS = ("subject", "level", "unique_id", "type", "year", "Year", "difficulty")


def gsm8k(row: Raw, origin: Origin) -> Row:
    """The number after the hashes, without its commas."""
    _, mark, final = text_of(row, "answer").rpartition(FINAL_ANSWER)
    if not mark or not final.strip():
        raise BadRow(f"column `answer` has no final answer after `{FINAL_ANSWER}`")
    reference = final.strip().replace(",", "")
    solution = text_of(row, "answer")
    return problem("math", text_of(row, "question"), "math", reference, solution=solution)


def mgsm(row: Raw, origin: Origin) -> Row:
    """The language is that of the part, mgsm_de.tsv or de; else that of the config."""
    question, answer = text_of(row, "question"), answer_of(row, "answer_number")
    number = (answer or "").replace(",", "")
    if not number.removeprefix("-").replace(".", "", 1).isdigit():
        raise BadRow(f"the answer is {answer!r}, expected a number")
    language = origin.part.removeprefix("mgsm_")
    given = {"language": language} if language in MGSM_LANGUAGES else {}
    return given | problem("math", question, "math", number)


def cmath(row: Raw, origin: Origin) -> Row:
    facts = facts_of(row, "grade", "reasoning_step", "num_digits")
    question = text_of(row, "question", "input")
    return problem("math", question, "math", answer_of(row, "golden"), **facts)


def competition(row: Raw, origin: Origin) -> Row:
    """A problem with its answer, or with a solution that ends in a box (MATH, AIME, AMC, …).

    What is no mathematics is refused (fit.py): many sets have columns of these names. A letter
    that answers options in the question is judged as a choice.
    """
    question = text_of(row, *QUESTIONS)
    refuse_beside(row, question)
    refuse_other_tasks(row, MATHS)
    named = any(name in row for name in ANSWERS)
    reference = answer_of(row, *ANSWERS) if named else last_box(text_of(row, "solution"))
    if reference is None and not named:
        raise BadRow(f"column `solution` has no {BOXED}")
    facts = facts_of(row, *FACTS)
    for solution in facts_of(row, *SOLUTIONS).values():
        facts["solution"] = solution
    language = {"language": row["language"]} if is_code(str(row.get("language"))) else {}
    if (label := label_of(reference, question)) is not None:
        facts["options"] = len(in_text(question))
        return language | problem("math", question, "choice", label, **facts)
    refuse_no_mathematics(reference)
    return language | problem("math", question, "math", reference, **facts)


def olymmath(row: Raw, origin: Origin) -> Row:
    """As a competition; the language is the end of `unique_id`."""
    language = text_of(row, "unique_id").rpartition("-")[2].lower()
    return {"language": language} | competition(row, origin)


def middle_school(row: Raw, origin: Origin) -> Row:
    """A question with options in its text is judged by the letter, any other by its answer."""
    question, letter = text_of(row, "question"), answer_of(row, "choice_answer")
    if letter is None:
        return problem("math", question, "math", answer_of(row, "answer"))
    return problem("math", question, "choice", letter, options=4)


def last_box(solution: str) -> str | None:
    r"""The inside of the last `\boxed{…}` (or `\boxed 5`) of a solution; None without one."""
    _, mark, rest = solution.rpartition(BOXED)
    rest = rest.lstrip()
    if not mark or not rest:
        return None
    if not rest.startswith("{"):
        return rest[0]
    depth = 0
    for index, letter in enumerate(rest):
        depth += (letter == "{") - (letter == "}")
        if depth == 0:
            return rest[1:index]
    return rest
