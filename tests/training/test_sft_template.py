"""The chat template that is published with a student: in plain transformers, in vLLM, in training.

A student is taught one question by the SFT stage; each program then gets nothing but its folder.
vLLM runs in a process of its own, as it would change this one's threads.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from pipeline.artifact import Artifact
from pipeline.context import Context
from stages.kinds.sft import run as sft
from stages.kinds.sft.kind import SFTConfig
from stages.rows.schemas import CONVERSATION, write_rows
from stages.settings.training import Optimizer
from stages.supervised.documents import IGNORED, encode
from tests.shipped import shipped

ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts"
ASKED = [{"role": "user", "content": "3 + 14 = ?"}]
THOUGHT = "3 + 14 = 17. Wait, let me check that."
ANSWER = "<answer>17</answer>"
SAID = f"<think>{THOUGHT}</think>{ANSWER}"
AGAIN = [*ASKED, {"role": "assistant", "content": SAID}, *ASKED]

#: The form of the released R1 models: earlier thoughts are dropped, and the prompt opens the next.
PREFILLED = (
    "{% for m in messages %}<|{{ m.role }}|>"
    "{% if m.role == 'assistant' %}{{ m.content.split('</think>')[-1] }}<|end|>"
    "{% else %}{{ m.content }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|><think>\n{% endif %}"
)

VLLM = """
import json, sys
from vllm import LLM, SamplingParams
from vllm.reasoning import ReasoningParserManager

folder, chats = sys.argv[1], json.loads(sys.argv[2])
llm = LLM(folder, dtype="float32", max_model_len=256, enforce_eager=True,
          kv_cache_memory_bytes=2**26, enable_chunked_prefill=False)
outputs = llm.chat(chats, SamplingParams(temperature=0.0, max_tokens=80), use_tqdm=False)
parser = ReasoningParserManager.get_reasoning_parser("deepseek_r1")(llm.get_tokenizer())
found = []
for output in outputs:
    said = output.outputs[0]
    whole, streamed = parser.extract_reasoning(said.text, None), ["", ""]
    text, ids = "", []
    for token in said.token_ids:  # as a server streams it
        longer = llm.get_tokenizer().decode([*ids, token], skip_special_tokens=True)
        delta = parser.extract_reasoning_streaming(
            text, longer, longer[len(text):], ids, [*ids, token], [token])
        if delta:
            streamed[0] += delta.reasoning or ""
            streamed[1] += delta.content or ""
        text, ids = longer, [*ids, token]
    found.append({"prompt": list(output.prompt_token_ids), "whole": whole, "streamed": streamed})
print("FOUND" + json.dumps(found))
"""


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the stage published: the tiny base, taught one answer."""
    folder = tmp_path_factory.mktemp("student")
    rows, work, output = (folder / name for name in ("rows", "work", "output"))
    for path in (rows, work, output):
        path.mkdir()
    (base,) = (ARTIFACTS / "base").iterdir()
    row = {"domain": "math", "language": "en", "source": "test", "completion": SAID}
    prompts = [ASKED, AGAIN] * 8
    data = [row | {"id": f"r{n}", "prompt": prompt} for n, prompt in enumerate(prompts)]
    write_rows(rows / "rows.parquet", data, CONVERSATION)
    inputs = {
        "init_from": (Artifact(base, {"type": "model", "stage": "base"}),),
        "data_from": (Artifact(rows, {"type": "conversations", "stage": "rows"}),),
    }
    config = shipped(
        SFTConfig,
        optimizer=Optimizer(learning_rate=2e-3),
        epochs=15,
        batch_size=16,
        micro_batch=8,
        max_length=200,
        save_steps=1000,
        seed=0,
    )
    sft.run(config, inputs, Context("student", "f" * 16, work, output, 0, 1, folder / "shared"))
    return output / "model"


def test_plain_transformers_renders_generates_and_parses_with_the_published_template(
    student: Path,
) -> None:
    tokenizer, model = (
        kind.from_pretrained(student) for kind in (AutoTokenizer, AutoModelForCausalLM)
    )
    for chat in (ASKED, AGAIN):
        prompt = tokenizer.apply_chat_template(
            chat, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        ids = model.generate(**prompt, max_new_tokens=80, do_sample=False)[0]
        said = tokenizer.decode(ids[prompt["input_ids"].shape[1] :], skip_special_tokens=True)
        thought, _, rest = said.removeprefix("<think>").partition("</think>")
        assert (thought, rest) == (THOUGHT, ANSWER)
        assert ids[-1] == tokenizer.eos_token_id


@pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed here: make vllm")
def test_vllm_renders_alike_and_its_deepseek_r1_parser_separates_thought_and_answer(
    student: Path,
) -> None:
    command = [sys.executable, "-c", VLLM, str(student), json.dumps([ASKED, AGAIN])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    line = next(line for line in done.stdout.splitlines() if line.startswith("FOUND"))
    tokenizer = AutoTokenizer.from_pretrained(student)
    for chat, found in zip((ASKED, AGAIN), json.loads(line.removeprefix("FOUND")), strict=True):
        ours = tokenizer.apply_chat_template(chat, add_generation_prompt=True)["input_ids"]
        assert found["prompt"] == ours
        assert found["whole"] == [THOUGHT, ANSWER]
        assert found["streamed"] == [THOUGHT, ANSWER]


def test_training_keeps_what_was_thought_in_every_turn(tiny_model_dir: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model_dir)
    [document] = encode(tokenizer, [{"prompt": AGAIN, "completion": SAID}])
    text = tokenizer.decode(document.input_ids)
    assert text.count(THOUGHT) == 2
    learnt = tokenizer.decode([token for token in document.labels if token != IGNORED])
    assert learnt == f"{SAID}<|end|>"


def test_where_a_template_opens_the_thought_the_completion_goes_on_after_it(
    tiny_model_dir: Path,
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model_dir)
    tokenizer.chat_template = PREFILLED
    [document] = encode(tokenizer, [{"prompt": AGAIN, "completion": SAID}])
    learnt = tokenizer.decode([token for token in document.labels if token != IGNORED])
    assert learnt == f"{THOUGHT}</think>{ANSWER}<|end|>"
    text = tokenizer.decode(document.input_ids)
    assert text.endswith(f"<|assistant|><think>\n{learnt}")
    assert text.count(THOUGHT) == 1, "what is learnt is whole; earlier turns are the template's"
