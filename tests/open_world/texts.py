"""Conversations, pairs and labels in the columns of their public sets.

In each slot one row asks what a benchmark asks: in OpenR1-Math, COIG, HelpSteer3 (as a query),
UltraFeedback and Safety-Guard (as a query and with its label).
"""

from __future__ import annotations

from stages.tiny.problems import generate
from tests.open_world.benchmarks import LEAKED, LEAKED_ANSWER
from tests.open_world.files import Files, Raw, configured, jsonl, shards, zipped
from tests.open_world.problems import COUNT, EN, ZH


def texts() -> dict[str, Files]:
    """Set → its files."""
    card = "---\nconfigs:\n- config_name: preference\n  data_files:\n  - split: train\n"
    card += "    path: preference/train.jsonl.gz\n---\n"
    return {
        "simplescaling/s1K-1.1": shards([_s1k(n) for n in range(COUNT)]),
        "open-r1/OpenR1-Math-220k": configured({"default": _openr1()}, "train"),
        "Congliu/Chinese-DeepSeek-R1-Distill-data-110k": {"train.jsonl": jsonl(_congliu())},
        "BAAI/COIG": {
            "COIG.py": b"raise SystemExit('a script of loading is not run')",
            "translated_instructions.jsonl": jsonl(_coig()),
        },
        "allenai/tulu-3-sft-mixture": shards(_tulu()),
        "nvidia/HelpSteer3": {
            "README.md": card.encode(),
            "preference/train.jsonl.gz": zipped(_helpsteer()),
        },
        "argilla/ultrafeedback-binarized-preferences-cleaned": shards(
            [_feedback(n) for n in range(COUNT)]
        ),
        "liyucheng/zhihu_rlhf_3k": {"zhihu_3k_rlfh.tsv": _zhihu().encode()},
        "nvidia/Nemotron-Safety-Guard-Dataset-v3": {"en/train.jsonl": jsonl(_guard())},
        "Skepsun/cvalues_rlhf": {"train.jsonl": jsonl([_values(n) for n in range(COUNT)])},
    }


def _solved(language: str, count: int, seed: int) -> list[tuple[str, str, str]]:
    """A question, a thought about it and its answer."""
    thought = "First {}." if language == "en" else "先{}。"
    return [
        (row["prompt"][0]["content"], thought.format(row["reference"]), row["reference"])
        for row in generate("math", language, count, seed, "train")
    ]


THOUGHTS = {language: _solved(language, COUNT, 20) for language in ("en", "zh")}
MORE = _solved("en", COUNT, 21)


def _s1k(number: int) -> Raw:
    question, thought, answer = THOUGHTS["en"][number]
    return {
        "question": question, "solution": answer, "cot_type": "math", "source_type": "made",
        "deepseek_thinking_trajectory": thought,
        "deepseek_attempt": f"It is \\boxed{{{answer}}}.",
    }  # fmt: skip


def _openr1() -> list[Raw]:
    """The last but one answers wrongly, the last asks what a benchmark asks."""
    rows = []
    wrong = (*MORE[0][:2], "1000")
    for question, thought, answer in [*MORE[:-2], wrong, (LEAKED, "7-5.", LEAKED_ANSWER)]:
        right = MORE[0][2] if answer == "1000" else answer
        said = f"<think>\n{thought}\n</think>\n\nIt is \\boxed{{{answer}}}."
        rows.append({
            "problem": question, "solution": thought, "answer": right, "source": "made",
            "generations": [said],
            "messages": [
                {"role": "user", "content": question}, {"role": "assistant", "content": said},
            ],
        })  # fmt: skip
    return rows


def _congliu() -> list[Raw]:
    """Half mathematics, half general; one of the former has a low score."""
    rows = []
    for number, (question, thought, answer) in enumerate(THOUGHTS["zh"][: COUNT // 2]):
        rows.append({
            "input": question, "reasoning_content": thought, "content": f"是\\boxed{{{answer}}}。",
            "repo_name": "EduChat-Math", "score": 3 if number == 0 else 10,
        })  # fmt: skip
    for thing in ZH[: COUNT // 2]:
        rows.append({
            "input": f"为什么人们喜欢{thing}？", "reasoning_content": f"想一想{thing}。",
            "content": f"因为{thing}很好看，也很有用。", "score": 10,
            "repo_name": "zhihu/zhihu_kol",
        })  # fmt: skip
    return rows


def _coig() -> list[Raw]:
    rows = [
        {"trans_instruction": f"用一句话介绍{thing}。", "trans_input": "",
         "trans_output": f"{thing}是人们常用的东西。"}
        for thing in ZH[:-1]
    ]  # fmt: skip
    return [*rows, {"trans_instruction": LEAKED, "trans_input": "", "trans_output": "两个。"}]


def _tulu() -> list[Raw]:
    def row(number: int, source: str) -> Raw:
        asked, said = f"Where do I keep a {EN[number]}?", f"Keep the {EN[number]} in a dry place."
        turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]
        return {"id": f"t{number}", "messages": turns, "source": source}

    rows = [row(n, "ai2-adapt-dev/flan_v2_converted") for n in range(COUNT)]
    return [*rows, row(0, "ai2-adapt-dev/no_robots_converted")]  # CC-BY-NC: not read


def _helpsteer() -> list[Raw]:
    rows = []
    for number, thing in enumerate(EN):
        asked = LEAKED if number == COUNT - 1 else f"Tell me how a {thing} is made."
        rows.append({
            "domain": "general", "language": "english",
            "context": [{"role": "user", "content": asked}],
            "response1": f"With care, as each {thing} is." + " Slowly." * (number % 2),
            "response2": f"I made no {thing}.", "overall_preference": (-2, 2, -1)[number % 3],
        })  # fmt: skip
    return [*rows, rows[0] | {"domain": "code", "language": "python"},
            rows[1] | {"overall_preference": 0}]  # fmt: skip


def _feedback(number: int) -> Raw:
    asked = LEAKED if number == COUNT - 1 else f"Name a colour for my {EN[number]}."
    good, bad = f"Red suits a {EN[number]} well.", "No." if number % 2 else f"Any {'x' * 40}"
    turn = {"role": "user", "content": asked}
    return {
        "source": "made", "prompt": asked, "chosen-rating": 4.5, "chosen-model": "a",
        "rejected-rating": 2.0, "rejected-model": "b",
        "chosen": [turn, {"role": "assistant", "content": good}],
        "rejected": [turn, {"role": "assistant", "content": bad}],
    }  # fmt: skip


def _zhihu() -> str:
    lines = ["prompt\tchosen\trejected"]
    for number, thing in enumerate(ZH):
        pair = (f"{thing}很好用，大家都有。", "不知道。")
        chosen, rejected = pair if number % 2 else (pair[1], pair[0])
        lines.append(f"怎么看待{thing}？\t{chosen}\t{rejected}")
    return "\n".join(lines) + "\n"


def _guard() -> list[Raw]:
    rows = []
    for number, thing in enumerate(EN):
        unsafe = number % 2 == 1
        asked = LEAKED if number == COUNT - 1 else f"May I take the {thing} of a neighbour?"
        rows.append({
            "id": str(number), "prompt": asked, "prompt_label": "unsafe", "language": "en",
            "response": f"Yes, take the {thing} at night." if unsafe else f"Ask for the {thing}.",
            "response_label": "unsafe" if unsafe else "safe", "violated_categories": "",
        })  # fmt: skip
    withheld = rows[0] | {"prompt": "REDACTED"}
    return [*rows, withheld, rows[2] | {"id": "alone", "response": None, "response_label": None}]


def _values(number: int) -> Raw:
    thing = ZH[number]
    return {
        "prompt": f"可以拿走别人的{thing}吗？", "pos_resp": f"先问一问{thing}的主人。",
        "neg_resp": f"可以，晚上拿走{thing}。", "pos_type": "正向建议为主", "neg_type": "风险回复",
    }  # fmt: skip
