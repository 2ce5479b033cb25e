"""Prompts are part of the preset: files of conf/prompt, worded by us, that a file can replace."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pipeline.compose import compose
from stages.chat import prompt_texts
from stages.chat.template import render_prompt
from stages.chat.text_template import chat_template
from stages.project import R1, main
from stages.settings.prompts import Prompt

FILES = sorted((R1.conf_dir() / "prompt").glob("*.yaml"))
PARTS = {"question": "3 + 4 = {answer}?", "first": "<think>a</think>7", "second": "8 {{x}}"}


pytestmark = pytest.mark.usefixtures("own_folder")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
@pytest.mark.parametrize("base", ["chat", "plain"])
def test_a_prompt_reaches_the_model_as_written(file: Path, base: str, tiny_model_dir: Path) -> None:
    """For a model that chats, and for a base that knows no token of a chat."""
    from transformers import AutoTokenizer

    prompt = Prompt(**yaml.safe_load(file.read_text()))
    assert any(word in prompt.source for word in ("table", "listing", "B.")), "where it is asked"
    tokenizer = AutoTokenizer.from_pretrained(tiny_model_dir)
    around = ("<|user|>", "<|assistant|>")
    if base == "plain":
        around = ("User: ", "\nAssistant:")
        tokenizer.chat_template = chat_template("{question}".join(around))
    parts = {name: PARTS.get(name, f"the {name}") for name in prompt.blanks}
    for language, text in prompt_texts.texts(prompt, "prompt").items():
        written = text
        for name, part in parts.items():
            assert written.count(f"{{{name}}}") >= 1
            written = part.join(written.split(f"{{{name}}}"))
        filled = prompt_texts.fill(prompt.text, language, parts)
        if "answer" not in parts:  # whose blank stands in the question, where it is no blank
            assert filled == written
        shown = render_prompt(tokenizer, [{"role": "user", "content": filled}])
        assert shown == filled.join(around)
        (ids,) = tokenizer([shown], add_special_tokens=False).input_ids
        assert tokenizer.decode(ids) == shown


def test_every_prompt_is_asked_by_a_stage_of_the_recipe() -> None:
    folders = (R1.conf_dir() / name for name in ("stage", "generative_judge"))
    stages = "".join(path.read_text() for folder in folders for path in folder.glob("*.yaml"))
    assert [file.stem for file in FILES if f": {file.stem}\n" not in stages] == []


def test_another_prompt_of_the_folder_is_one_word() -> None:
    words = ["prompt@stages.zero.template=boxed", "prompt@stages.eval_zero.prompts.math=letter"]
    stages = compose(R1, ["recipe=r1_zero", "profile=paper", *words]).stages
    assert "boxed" in stages["zero"].template.text["en"]
    assert "$LETTER" in stages["eval_zero"].prompts["math"].text["en"]
    off = ["stages.zero.template=null", "stages.eval_zero.prompts=null"]
    stages = compose(R1, ["recipe=r1_zero", "profile=paper", *off]).stages
    assert (stages["zero"].template, stages["eval_zero"].prompts) == (None, None)


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("zero.template", "User: ?", "lacks {question}, which is filled in there: write it"),
        ("zero.template", "{question} {question}", "has {question} 2 times, and one question"),
        ("eval_base.template", "User: ?", "lacks {question}"),
        ("eval_zero.prompts.math", "Box it.", "lacks {question}"),
    ],
)
def test_a_text_without_its_blank_is_refused_before_anything_runs(
    key: str, text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = Path("mine.txt")
    file.write_text(text + "\n")
    words = ["recipe=r1_zero", "profile=paper", f"stages.{key}.file={file}"]
    assert main(["plan", *words]) == 2
    assert f"stages.{key}.file: {said}" in capsys.readouterr().err
    file.unlink()
    assert main(["plan", *words]) == 2
    assert f"stages.{key}.file: is {file}, and there is no such file" in capsys.readouterr().err


def test_a_file_takes_the_place_of_a_prompt_and_its_content_is_what_counts() -> None:
    from pipeline.identity import config_identity

    file = Path("mine.txt")
    file.write_text("User: {question}\nAssistant:\n")
    words = ["recipe=r1_zero", "profile=paper", f"stages.zero.template.file={file}"]
    config = compose(R1, words).stages["zero"]
    assert prompt_texts.texts(config.template, "template") == {"en": "User: {question}\nAssistant:"}
    assert config_identity(config).files == {"template.file": file}


def test_a_template_says_all_that_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["recipe=r1_zero", "profile=paper", "stages.zero.system_prompt=Think."]
    assert main(["plan", *words]) == 2
    assert "stages.zero.system_prompt: is set beside template" in capsys.readouterr().err


def test_the_paper_asks_a_base_by_a_text_and_what_was_taught_to_chat_by_its_own() -> None:
    for profile in ("paper", "small", "one_gpu"):
        stages = compose(R1, [f"profile={profile}"]).stages
        asked = {name for name, config in stages.items() if getattr(config, "template", None)}
        bases = {"eval_base", "eval_base_weak", "eval_student_qwen_base"}
        assert asked == {"zero", "zero_weak", "student_rl", *bases}
        taught = [c for c in stages.values() if c.kind in ("rl", "sample", "evaluate")]
        assert [c for c in taught if c.system_prompt] == []
        ways = [set(c.prompts) for c in taught if c.kind == "evaluate"]
        assert all(way == {"math", "choice", "code"} for way in ways)
    tiny = compose(R1, []).stages  # its bases learnt from talks in the tokens of a chat
    assert not any(getattr(config, "template", None) for config in tiny.values())


def test_a_teacher_of_the_hub_is_asked_to_think_and_the_papers_is_not() -> None:
    small = compose(R1, ["profile=small", "recipe=distill"]).stages
    assert "<think>" in small["reasoning_data"].system_prompt
    assert small["eval_teacher"].system_prompt == small["reasoning_data"].system_prompt
    assert small["eval_student"].system_prompt is None  # it was taught without
    paper = compose(R1, ["profile=paper", "recipe=distill"]).stages
    assert paper["reasoning_data"].system_prompt is None
