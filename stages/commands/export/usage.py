"""How an exported model is run: what its card says, with plain transformers and with vLLM."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipeline.artifact import Artifact
from stages.chat.template import END, END_THINK, THINK
from stages.commands.export.lineage import Lineage
from stages.models.folder import brings_code
from stages.rows.schemas import stream_rows

PLAIN = "What is 3 + 4?"
GENERATES = """```python
from transformers import AutoModelForCausalLM, AutoTokenizer

folder = "."  # this folder, or its name on the hub
tokenizer = AutoTokenizer.from_pretrained(folder{code})
model = AutoModelForCausalLM.from_pretrained(folder{code})
messages = {messages}
inputs = tokenizer.apply_chat_template(
    messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
)
said = model.generate(**inputs, {sampling})
print(tokenizer.decode(said[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True))
```

    vllm serve .{flag} --reasoning-parser deepseek_r1

It answers `{think}…{end_think}` and then what its user reads, so leave room for both. In a talk of
several turns send its earlier answers whole, or without their thoughts."""
SCORES = """```python
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

folder = "."  # this folder, or its name on the hub
tokenizer = AutoTokenizer.from_pretrained(folder{code})
model = AutoModelForSequenceClassification.from_pretrained(folder{code})
prompt = tokenizer.apply_chat_template(
    {messages}, add_generation_prompt=True, tokenize=False
)
text = prompt + "It is 7." + "{end}"
inputs = tokenizer(text, return_tensors="pt", add_special_tokens=False)
with torch.inference_mode():
    raw = model(**inputs).logits[0, 0].item()
print((raw - {mean!r}) / {std!r})
```

    vllm serve .{flag} --runner pooling

It reads {reads}; the numbers put its scores of held-out rows to mean 0 and deviation 1."""
READS = {
    "answer": "the prompt and what stands after the thought, without the thought",
    "response": "the prompt and the whole response, thought included",
}


def usage(artifact: Artifact, lineage: Lineage) -> str:
    """The lines that run it, sampled as it was evaluated."""
    trusted = brings_code(artifact.model_path)
    shared = {
        "code": ", trust_remote_code=True" if trusted else "",
        "flag": " --trust-remote-code" if trusted else "",
        "messages": json.dumps(_messages(lineage), ensure_ascii=False),
    }
    if artifact.type == "reward_model":
        facts = artifact.facts
        shared["messages"] = json.dumps(_asked(PLAIN), ensure_ascii=False)
        return SCORES.format(
            **shared,
            end=END,
            mean=facts.get("score_mean", 0.0),
            std=facts.get("score_std") or 1.0,
            reads=READS.get(facts.get("scores", ""), "the prompt and the response"),
        )
    return GENERATES.format(**shared, sampling=_sampling(lineage), think=THINK, end_think=END_THINK)


def _messages(lineage: Lineage) -> Any:
    """A question such as it was evaluated on: of a toy model, one that it can understand."""
    for artifact in lineage.evaluations:
        for one in artifact.manifest["inputs"]:
            rows = artifact.path.parent.parent / one["stage"] / one["fingerprint"] / "rows.parquet"
            if one["edge"] == "data_from" and rows.is_file():
                return _first(rows)
    return _asked(PLAIN)


def _first(rows: Path) -> Any:
    row = next(stream_rows(rows, ["prompt"], 1), None)
    return row["prompt"] if row else _asked(PLAIN)


def _asked(question: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": question}]


def _sampling(lineage: Lineage) -> str:
    """Arguments of `generate`, as the first evaluation sampled."""
    configs = [evaluation.manifest["config"] for evaluation in lineage.evaluations]
    drawn: dict[str, Any] = next((c["sampling"] for c in configs if "sampling" in c), {})
    most = drawn.get("max_tokens", 4096)
    heat = drawn.get("temperature", 0.6)
    if not heat:
        return f"do_sample=False, max_new_tokens={most}"
    return (
        f"do_sample=True, temperature={heat}, top_p={drawn.get('top_p', 0.95)}, "
        f"max_new_tokens={most}"
    )
