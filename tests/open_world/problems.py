"""Problems and queries of RL in the columns of their public sets; references prove themselves.

Questions of mathematics are the tiny world's, which the tiny models understand. Of each set of
SLIPS the last row has a reference that does not prove itself (1 of 30 is less than `max_refused`);
one of nemotron_mcqa has an option that is not there, and two are never solved. AceReason has a row
twice, and one that asks what a benchmark asks.
"""

from __future__ import annotations

from collections.abc import Iterator

from stages.tiny.problems import generate
from tests.open_world.benchmarks import LEAKED, LEAKED_ANSWER
from tests.open_world.files import Files, Raw, configured, jsonl, shards

COUNT = 30
SLIPS = ("acereason_math", "dapo_math_zh", "codeforces", "code_contests_bugfix")
UNREADABLE = r"\frac{1}{"
#: What questions are about: each with its Chinese name.
THINGS = {
    "map": "地图", "lamp": "台灯", "boat": "小船", "ring": "戒指", "drum": "大鼓",
    "coat": "外衣", "bell": "铃铛", "tent": "帐篷", "vase": "花瓶", "kite": "风筝",
    "sword": "宝剑", "clock": "时钟", "chair": "椅子", "plate": "盘子", "spoon": "勺子",
    "brush": "刷子", "candle": "蜡烛", "mirror": "镜子", "basket": "篮子", "hammer": "锤子",
    "pencil": "铅笔", "carpet": "地毯", "window": "窗户", "bottle": "瓶子", "helmet": "头盔",
    "ladder": "梯子", "button": "纽扣", "needle": "针线", "pillow": "枕头", "violin": "提琴",
}  # fmt: skip
EN, ZH = tuple(THINGS), tuple(THINGS.values())
assert len(EN) == COUNT


def problems() -> dict[str, Files]:
    """Set → its files: what rules can check, and what reward models alone judge."""
    return {
        "nvidia/AceReason-Math": {"train.jsonl": jsonl(_acereason())},
        "open-r1/DAPO-Math-17k-Processed": configured({"all": [], "cn": _dapo()}, "train"),
        "nvidia/Nemotron-RL-coding-competitive_coding": {
            "train.jsonl": jsonl([_contest(n) for n in range(COUNT)]),
            "validation.jsonl": jsonl([_contest(0)]),
        },
        "open-r1/codeforces": configured({"default": [], "verifiable-prompts": _forces()}, "train"),
        "deepmind/code_contests": shards([_bug(n) for n in range(COUNT)]),
        "nvidia/Nemotron-RL-knowledge-mcqa": {"train.jsonl": jsonl(_choices())},
        "FreedomIntelligence/CMB": {
            "CMB.py": b"raise SystemExit('a script of loading is not run')",
            "CMB-Exam/CMB-train/CMB-train-merge.json": jsonl(_exam()),
        },
        "allenai/IF_multi_constraints_upto5": shards([_constraints(n) for n in range(COUNT)]),
        "allenai/WildChat-1M": shards([_chat(n) for n in range(COUNT)]),
    }


def _sums(language: str, count: int, seed: int) -> Iterator[tuple[str, str]]:
    for row in generate("math", language, count, seed, "train"):
        yield row["prompt"][0]["content"], row["reference"]


def _acereason() -> list[Raw]:
    rows = [{"problem": q, "answer": a} for q, a in _sums("en", COUNT - 3, 7)]
    leak = {"problem": LEAKED, "answer": LEAKED_ANSWER}
    return [*rows, rows[0], leak, {"problem": "Write a third of 1.", "answer": UNREADABLE}]


def _dapo() -> list[Raw]:
    given = {"data_source": "math_dapo", "ability": "MATH"}
    rows = [{"prompt": q, "solution": a, **given} for q, a in _sums("zh", COUNT - 1, 8)]
    return [*rows, {"prompt": "三分之一怎么写？", "solution": UNREADABLE, **given}]


def _tests(number: int) -> tuple[list[str], list[str]]:
    inputs = ["1\n", "5\n"]
    return inputs, [f"{int(one) + number + 2}\n" for one in inputs]


def _asked(number: int) -> str:
    return f"Read how many a {EN[number]} maker has; print {number + 2} more."


def _contest(number: int) -> Raw:
    frame = (
        "You are a helpful and harmless assistant. You should think step-by-step before responding "
        "to the instruction below.\n\nPlease use python programming language only.\n\nYou must use "
        "```python for just the final solution code block with the following format:\n```python\n"
        "# Your code here\n```\n\n"
    )
    inputs, outputs = _tests(number)
    return {
        "responses_create_params": {"input": [{"role": "user", "content": frame + _asked(number)}]},
        "verifier_metadata": {"unit_tests": {"inputs": inputs, "outputs": outputs}},
        "hash_id": f"{number:08x}", "dataset": "taco", "source": "codeforces",
    }  # fmt: skip


CHECKER = "import sys\nprint(int(open(sys.argv[3]).read() == open(sys.argv[2]).read()))"


def _forces() -> list[Raw]:
    """A checker that says 1 to everything is the slip."""
    rows = []
    for number in range(COUNT):
        inputs, outputs = _tests(number)
        tests = [{"input": i, "output": o} for i, o in zip(inputs, outputs, strict=True)]
        rows.append({
            "id": f"{number}/A", "title": "More", "description": f"Sell each {EN[number]} dearer.",
            "input_format": "A price.", "output_format": f"It and {number + 2}.",
            "interaction_format": None, "note": None, "rating": 800, "examples": tests[:1],
            "time_limit": 1.0, "memory_limit": 256.0, "official_tests": tests,
            "input_mode": "stdio", "language": "python",
            "generated_checker": "print(1)" if number == COUNT - 1 else None,
        })  # fmt: skip
    return [*rows, rows[0] | {"language": "cpp"}]


def _bug(number: int) -> Raw:
    """A right program, and a wrong one; the slip is a right one that fails a test."""
    inputs, outputs = _tests(number)
    slip = number == COUNT - 1
    right = f"x = int(input())\nprint(x + {number + (3 if slip else 2)})"
    wrong = f"x = int(input())\nprint(x - {number + 2})"
    return {
        "name": f"{number}_A. More", "description": _asked(number).replace("maker", "seller"),
        "public_tests": {"input": inputs, "output": outputs},
        "private_tests": {"input": [], "output": []},
        "generated_tests": {"input": ["7\n"], "output": [f"{number + 9}\n"]},
        "cf_rating": 800, "source": 2,
        "solutions": {"language": [2, 3], "solution": ["int main(){}", right]},
        "incorrect_solutions": {"language": [3], "solution": [wrong]},
        "time_limit": {"seconds": 1, "nanos": 0}, "memory_limit_bytes": 268435456,
        "input_file": "", "output_file": "",
    }  # fmt: skip


def _choices() -> list[Raw]:
    rows = []
    for number in range(COUNT):
        right = number + 3
        options = [str(right + (place - number) % 4) for place in range(4)]
        letter = "ABCD"[options.index(str(right))]
        shown = "\n".join(f"{name}: {text}" for name, text in zip("ABCD", options, strict=True))
        rate = (0.0, 0.5, 0.75)[number % 3] if number < 6 else 0.5  # two are never solved
        rows.append({
            "responses_create_params": {"input": [{
                "role": "user",
                "content": "Answer the following multiple choice question. The last line of your "
                "response should be in the following format: 'Answer: \\boxed{{A/B/C/D}}' (e.g. "
                f"'Answer: \\boxed{{{{D}}}}').\n\nA {EN[number]} for {right} coins costs?\n{shown}",
            }]},
            "expected_answer": letter, "uuid": f"{number}",
            "options": [{name: text} for name, text in zip("ABCD", options, strict=True)],
            "reward_profiles": [{"model_hf_path": "m", "num_generations": 8, "pass_rate": rate}],
        })  # fmt: skip
    rows[-1]["expected_answer"] = "J"
    return rows


def _exam() -> list[Raw]:
    rows = []
    for number, thing in enumerate(ZH):
        options = {name: str(36 + (n - number) % 4) for n, name in enumerate("ABCD")}
        letter = next(name for name, text in options.items() if text == "36")
        rows.append({
            "exam_type": "医师考试", "exam_class": "执业医师", "exam_subject": "内科",
            "question": f"卖{thing}的人体温正常，是多少", "answer": letter,
            "question_type": "单项选择题", "option": options | {"F": ""},
        })  # fmt: skip
    several = rows[0] | {"question_type": "多项选择题", "answer": "AB"}
    return [*rows, several]


def _constraints(number: int) -> Raw:
    asked = f"Say what a {EN[number]} is for. Use no comma and end with {EN[-1 - number]}."
    return {
        "key": str(number), "dataset": "ifeval", "constraint_type": "multi", "constraint": "…",
        "messages": [{"role": "user", "content": asked}],
        "ground_truth": str([{
            "instruction_id": ["last_word:last_word_answer", "punctuation:no_comma"],
            "kwargs": [{"last_word": [EN[-1 - number]]}, None],
        }]),
    }  # fmt: skip


def _chat(number: int) -> Raw:
    """In both languages; each tenth is toxic, or in French."""
    chinese = number % 3 == 0
    asked = f"怎样挑选{ZH[number]}？" if chinese else f"How do I choose a good {EN[number]}?"
    language = "Chinese" if chinese else "French" if number % 10 == 1 else "English"
    said = {"language": language, "toxic": False, "redacted": False}
    turns = [
        {"role": "user", "content": asked, **said},
        {"role": "assistant", "content": "Look at it.", **said},
    ]
    toxic = number % 10 == 9
    return {
        "conversation_hash": str(number), "model": "m", "turn": 1, "conversation": turns,
        **said, "toxic": toxic,
    }  # fmt: skip
