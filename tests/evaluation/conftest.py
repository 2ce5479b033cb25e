"""A model that has learnt a few problems by heart, so that judged samples are right and wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

SUMS = {"3+4": "7", "8-5": "3", "2+9": "11", "6+6": "12"}


def _problem(number: int, question: str, reference: str, language: str) -> dict:
    return {
        "id": f"math-{language}-{number}",
        "domain": "math",
        "language": language,
        "prompt": [{"role": "user", "content": f"{question}=?"}],
        "verifier": "math",
        "reference": reference,
        "metadata": "{}",
        "source": "tiny",
    }


@pytest.fixture(scope="session")
def problems() -> list[dict]:
    """Six problems: four that the model has learnt, two that nobody can answer or judge."""
    learnt = [
        _problem(i, question, answer, "en" if i < 2 else "zh")
        for i, (question, answer) in enumerate(SUMS.items())
    ]
    unanswerable = _problem(4, "9-9", "4", "en")  # its reference is wrong on purpose
    unjudged = _problem(5, "3+4", "5", "en") | {
        "domain": "general",
        "verifier": "instruction",
        "metadata": '{"constraints": [{"type": "no such constraint"}]}',
    }
    return [*learnt, unanswerable, unjudged]


@pytest.fixture(scope="session")
def able_model_dir(tiny_model_dir: Path, problems: list[dict], tmp_path_factory) -> Path:
    """The tiny model after 150 steps on four worked answers, which it then mostly gets right."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from stages.chat.template import END, render_prompt, tagged

    tokenizer = AutoTokenizer.from_pretrained(tiny_model_dir)
    model = AutoModelForCausalLM.from_pretrained(tiny_model_dir)
    texts = [
        render_prompt(tokenizer, row["prompt"])
        + tagged(f"{row['prompt'][0]['content'][:3]}={row['reference']},", row["reference"])
        + END
        for row in problems[:4]
    ]
    batch = tokenizer(texts, padding=True, padding_side="right", return_tensors="pt")
    labels = batch.input_ids.masked_fill(batch.attention_mask == 0, -100)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    torch.manual_seed(0)
    for _ in range(150):
        loss = model(**batch, labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    directory = tmp_path_factory.mktemp("able") / "model"
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    return directory


@pytest.fixture(scope="module")
def tokenizer(tiny_model_dir):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny_model_dir)
