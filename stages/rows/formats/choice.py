"""Multiple choice: the question, and each option on a line of its own behind its letter.

MMLU      {"question": "…the most effective means of controlling the mosquito population is to",
           "subject": "college_biology", "choices": ["maintain the population at…", …],
           "answer": 2}; `type` for `subject` in Qwen2.5-Math's file; the original CSV has
           question, A, B, C, D, answer (C) and the subject in its name
MMLU-Pro  {"question": "…", "options": [ten texts, fewer or some "N/A"], "answer": "I",
           "answer_index": 8, "category": "business", "src": "ori_mmlu-business_ethics", …}
GPQA      {"Question": "…", "Correct Answer": "…", "Incorrect Answer 1": "…", … 2, … 3,
           "Subdomain": "…", "Record ID": "…", …}; where the right one stands follows from the texts
C-Eval    {"id": 0, "question": "…", "A": "…", "B": "…", "C": "…", "D": "…", "answer": "C"}; the
           subject is the name of the file or configuration, and answers of its test are secret
AGIEval   {"passage": null, "question": "下列说法正确的是（ ）", "options": ["(A)原子弹…", …],
           "label": "C", …}; label ["A", "B"] where several are right
"""

from __future__ import annotations

import hashlib
import re

from stages.rows.files import BadRow, Raw
from stages.rows.formats.columns import answer_of, facts_of, list_of, problem, text_of
from stages.rows.formats.options import letter_of, lettered, options_of, without_labels
from stages.rows.schemas import Row
from stages.rows.sources import Origin, OtherRow
from stages.verifiers.option_labels import LETTERS

MMLU_COLUMNS = ("question", "A", "B", "C", "D", "answer")
#: The subjects of MMLU's category STEM (2009.03300).
STEM = {
    "abstract_algebra",
    "astronomy",
    "college_biology",
    "college_chemistry",
    "college_computer_science",
    "college_mathematics",
    "college_physics",
    "computer_security",
    "conceptual_physics",
    "electrical_engineering",
    "elementary_mathematics",
    "high_school_biology",
    "high_school_chemistry",
    "high_school_computer_science",
    "high_school_mathematics",
    "high_school_physics",
    "high_school_statistics",
    "machine_learning",
}
#: Of MMLU-Pro's categories and of C-Eval's category STEM (2305.08322).
STEM_PRO = ("math", "physics", "chemistry", "engineering", "biology", "computer science")
STEM_ZH = {
    "advanced_mathematics",
    "college_chemistry",
    "college_physics",
    "college_programming",
    "computer_architecture",
    "computer_network",
    "discrete_mathematics",
    "electrical_engineer",
    "high_school_biology",
    "high_school_chemistry",
    "high_school_mathematics",
    "high_school_physics",
    "metrology_engineer",
    "middle_school_biology",
    "middle_school_chemistry",
    "middle_school_mathematics",
    "middle_school_physics",
    "operating_system",
    "probability_and_statistics",
    "veterinary_medicine",
}
GPQA_WRONG = ("Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3")
ABSENT = "N/A"  # an option of MMLU-Pro that is none
MATHS = ("aqua-rat", "math", "sat-math")  # parts of AGIEval that are mathematics


def mmlu(row: Raw, origin: Origin) -> Row:
    """Any subject; those of STEM are that domain."""
    subject = _subject(row, origin)
    options = list_of(row, "choices") if "choices" in row else [row.get(c) for c in "ABCD"]
    if not all(isinstance(option, str | int | float) for option in options):
        raise BadRow(f"the options are {options!r}, expected texts")
    texts = [str(option).strip() for option in options]
    domain = "stem" if subject in STEM else "general"
    question = lettered(text_of(row, "question"), texts)
    return problem(domain, question, "choice", _letter(row), options=texts, subject=subject)


def mmlu_stem(row: Raw, origin: Origin) -> Row:
    """The 18 subjects of STEM; rows of other subjects are counted as such."""
    if _subject(row, origin) not in STEM:
        raise OtherRow("other_subject")
    return mmlu(row, origin)


def mmlu_pro(row: Raw, origin: Origin) -> Row:
    """Up to ten options."""
    given = list_of(row, "options")
    place = LETTERS.index(letter_of(text_of(row, "answer"), options_of(given)))
    if given[place] == ABSENT:
        raise BadRow(f"the answer is option {LETTERS[place]}, which is {ABSENT}")
    options = [option for option in given if option != ABSENT]
    letter = LETTERS[place - given[:place].count(ABSENT)]
    category = text_of(row, "category")
    domain = "stem" if category in STEM_PRO else "general"
    question = lettered(text_of(row, "question"), options)
    return problem(domain, question, "choice", letter, options=options, subject=category)


def gpqa(row: Raw, origin: Origin) -> Row:
    """The options are in the order of a hash of each, so that their places tell nothing."""
    question, right = text_of(row, "Question"), text_of(row, "Correct Answer")
    options = [right, *(text_of(row, name) for name in GPQA_WRONG)]
    options.sort(key=lambda option: hashlib.sha256(f"{question}\n{option}".encode()).digest())
    letter = LETTERS[options.index(right)]
    facts = {"options": options, **facts_of(row, "Subdomain", "High-level domain")}
    return problem("stem", lettered(question, options), "choice", letter, **facts)


def ceval(row: Raw, origin: Origin) -> Row:
    """Chinese, whatever the stage says."""
    subject = _subject(row, origin)
    options = [text_of(row, letter) for letter in "ABCD"]
    domain = "stem" if subject in STEM_ZH else "general"
    question = lettered(text_of(row, "question"), options)
    made = problem(domain, question, "choice", _letter(row), options=options, subject=subject)
    return {"language": "zh"} | made


def agieval(row: Raw, origin: Origin) -> Row:
    """The multiple-choice sets of AGIEval; the file's name says which one and in what language."""
    options = without_labels(list_of(row, "options"))
    name = origin.part.removeprefix("agieval_")
    chinese = name.startswith(("gaokao", "jec")) or name.endswith("-zh")
    domain = "math" if name in MATHS else "stem" if name.startswith("gaokao") else "logic"
    label = row.get("label")
    right = "".join(label) if isinstance(label, list) else answer_of(row, "label")
    passage = row.get("passage")
    question = f"{passage}\n\n{row.get('question')}" if passage else text_of(row, "question")
    made = problem(domain, lettered(question, options), "choice", right, options=options)
    return {"language": "zh" if chinese and name != "gaokao-english" else "en"} | made


def _subject(row: Raw, origin: Origin) -> str:
    given = row.get("subject") or row.get("type")
    return str(given or re.sub(r"_(test|val|dev)$", "", origin.part))


def _letter(row: Raw) -> str | None:
    """The index of the hub's rows as a letter; a letter as it is."""
    answer = answer_of(row, "answer")
    if not answer or not answer.isdecimal():
        return answer
    if int(answer) >= len(LETTERS):
        raise BadRow(f"the answer is option {answer}, expected one of {len(LETTERS)}")
    return LETTERS[int(answer)]
