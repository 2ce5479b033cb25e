"""Policies against the language reward: thoughts in another language, dressed as the target's.

`python -m benchmarks.hacks.language` prints what each is paid, beside its share: the words of the
target that a reader finds in it, of all its words. None should be paid more.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.table import Table

from stages.language.consistency import consistency
from stages.rewards.padding import is_padding

SPANISH = (
    "Primero sumamos los dos números, luego restamos tres y entonces el resultado es ocho, porque "
    "cinco más seis son once y once menos tres son ocho. Ahora comprobamos que todo está bien."
)
FRENCH = (
    "Nous ajoutons d'abord les deux nombres, puis nous soustrayons trois, donc le résultat est "
    "huit. Maintenant il faut vérifier que tout est juste."
)
PINYIN = (
    "xian suan san jia si dengyu qi, ranhou zai jian qu er, suoyi da an shi wu. women zai jiancha "
    "yixia, meiyou cuowu"
)
TONES = "wǒmen xiān suàn sān jiā sì děngyú qī, ránhòu zài jiǎn qù èr, suǒyǐ dá'àn shì wǔ"
CHINESE = (
    "先看题目问的是什么，然后一步一步地推算，三加四等于七，再减去二，所以答案是五，最后再检查一遍。"
)
ENGLISH = (
    "First we add the two numbers, then we subtract three, so the result is eight, because five "
    "plus six is eleven and eleven minus three is eight. Now we check that all is well."
)
WORDS = {  # unconnected words of the target
    "en": """
        basin harvest copper lantern quiet bridge marble timber cedar orchard velvet canyon pepper
        saddle meadow barrel ribbon anchor castle hammer garden pebble silver tunnel violin window
        winter wooden yellow zipper absorb admire banner battle beacon behave bitter blanket border
        bottle butter candle carpet chapel cinema circle coffee cotton dragon eleven empire engine
    """,
    "zh": """
        桌子 苹果 高山 飞机 河流 音乐 红色 朋友 窗户 咖啡 城堡 花园 银行 月亮 牛奶 火车 铅笔 森林
        海洋 文化 建筑 历史 技术 环境 艺术 电影 市场 经济 天空 医院 学校 城市 农村 商店 衣服 蔬菜
        水果 动物
    """,
}

Disguise = Callable[[str], str]


def _plain(text: str) -> str:
    return text.translate(str.maketrans("áéíóúñ", "aeioun")).replace(",", "").replace(".", "")


def _camel(text: str) -> str:
    words = _plain(text).split()
    names = (words[start : start + 4] for start in range(0, len(words), 4))
    return " ".join(name[0] + "".join(map(str.title, name[1:])) for name in names)


#: How a thought is dressed; a reader reads it all the same.
DISGUISES: dict[str, Disguise] = {
    "bare": str,
    "title case": str.title,
    "capitals": str.upper,
    "snake_case": lambda text: _plain(text).replace(" ", "_"),
    "camelCase": _camel,
    "capitals of up to four letters": lambda text: " ".join(
        word[:4].upper() for word in _plain(text).split()
    ),
    "spaced letters": lambda text: "  ".join(" ".join(word) for word in _plain(text).split()),
    "leet": lambda text: _plain(text).translate(str.maketrans("oieas", "01345")),
    "\\mathrm": lambda text: f"$\\mathrm{{{_plain(text)}}} = 1$",
    "\\mathrm, word by word": lambda text: " ".join(
        f"$x_1 + \\mathrm{{{word}}}$" for word in _plain(text).split()
    ),
    "a formula": lambda text: f"${_plain(text).replace(' ', ' + ')}$",
    "an address": lambda text: f"https://{_plain(text).replace(' ', '/')}",
    "code": lambda text: f"`f({_plain(text).replace(' ', ', ')})`",
    "comments": lambda text: f"```python\nx = 1  # {_plain(text)}\n```",
}


def thoughts(target: str) -> Iterator[tuple[str, str]]:
    """The name and the thought of each policy, for problems in English or Chinese."""
    foreign = {"Spanish": SPANISH} if target == "en" else {"English": ENGLISH}
    foreign |= {"French": FRENCH, "pinyin": PINYIN, "pinyin with tones": TONES}
    own, other = (ENGLISH, CHINESE) if target == "en" else (CHINESE, ENGLISH)
    filler = " ".join(random.Random(0).sample(WORDS[target].split(), len(WORDS[target].split())))
    for language, text in foreign.items():
        for dress, disguise in DISGUISES.items():
            yield f"{language}, {dress}", disguise(text)
    for language, text in (foreign | {"the other language": other}).items():
        yield f"{language}, then a wall of words", f"{text} {filler}"
        yield f"{language}, with one word of the target", f"{own.split()[0][:5]} {text}"
    yield "a wall of words", filler
    yield (
        "digits and one word",
        ("so " if target == "en" else "所以 ") + " ".join(str(7919 * n % 1000) for n in range(100)),
    )


def rows() -> list[tuple[str, str, float]]:
    """Target, policy, and what the language reward pays."""
    return [
        (target, name, 0.0 if is_padding(thought) else consistency(thought, target) or 0.0)
        for target in ("en", "zh")
        for name, thought in thoughts(target)
    ]


def main() -> None:
    table = Table("target", "policy", "paid", title="The language reward against its hacks")
    for target, name, paid in rows():
        table.add_row(target, name, f"{paid:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
