"""What only presents an answer is gone, in MGSM's languages and in Markdown."""

from __future__ import annotations

import pytest

from stages.verifiers.leads import unwrapped, without_lead


def bare(text: str) -> str:
    return without_lead(unwrapped(text)).strip(" .。")


@pytest.mark.parametrize(
    "text",
    ["The answer is **58**.", "**Answer:** 58", "**Answer: 58**", "### Final Answer\n58",
     "### Final Answer\n\nThe answer is **58**.", "> 58", "> **Answer:** 58", "<b>58</b>",
     "<p>Answer: <strong>58</strong></p>", "```latex\n58\n```", "~~~\n58\n~~~", "`58`", "*58*",
     "_58_", "***58***", "So, the answer is: 58", "Answer = 58", "Answer 58", "it is 58",
     "58 is the correct answer."],
)  # fmt: skip
def test_markdown_html_and_english_leads_are_dress(text: str) -> None:
    assert bare(text) == "58"


@pytest.mark.parametrize(
    "text",
    ["উত্তর: 58", "সুতরাং, উত্তর হল 58।", "Antwort: 58", "Die richtige Antwort lautet 58.",
     "58 ist die richtige Antwort", "Respuesta final: 58", "La respuesta es 58.",
     "58 es la respuesta correcta", "Réponse : 58", "Re\u0301ponse : 58",
     "Donc, la réponse est 58.", "58 est la bonne réponse", "答え：58",
     "したがって、答えは58です。", "58が正解です", "Ответ: 58",
     "Итак, правильный ответ — 58.", "Jibu: 58", "Jibu sahihi ni 58",
     "సమాధానం: 58", "సమాధానం 58.", "คำตอบ: 58", "ดังนั้น คำตอบที่ถูกต้องคือ 58",
     "答案：58", "因此，最终答案是58。",
     "58是正确答案"],
)  # fmt: skip
def test_a_lead_is_read_in_each_language_of_mgsm(text: str) -> None:
    assert bare(text) == "58"


@pytest.mark.parametrize(
    "text",
    ["2*3*4", "2**3**2", "2 ** 3 ** 2", "5 *3* 2", "x_1", "{}_5C_2", "$x$", "\\(x\\)", "x > 3",
     ">58", "a<b", "- 5", "a*b*c + d*e", "(2*3)*(4*5)", "<1, 2>", "the answer is not 58",
     "La respuesta no es 58", "答案不是58", "1 & 2 \\\\ 3 & 4", "Answer:", "is the answer",
     "58 is not the answer", "resulting 5"],
)  # fmt: skip
def test_signs_that_mean_something_and_denials_stay(text: str) -> None:
    assert bare(text) == text
