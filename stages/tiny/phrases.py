"""Every sentence that a thought of the tiny world can be made of, in English and in Chinese.

A sentence is a phrase name with its arguments, so the same thought can be said in either language,
mixed, or translated back: `translate` reads a thought sentence by sentence and says it again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

LANGUAGES = ("en", "zh")

PHRASES: dict[str, dict[str, str]] = {
    "first": {"en": "first {e}={c},", "zh": "先算{e}={c}，"},
    "then": {"en": "then {e}={c},", "zh": "再算{e}={c}，"},
    "wait": {"en": "wait, check:", "zh": "等等，检查："},
    "so": {"en": "so it is {a}.", "zh": "所以是{a}。"},
    "build": {"en": "the code is {e},", "zh": "代码是{e}，"},
    "formula": {"en": "use the law {f},", "zh": "用公式{f}，"},
    "pick": {"en": "pick {v}({a}),", "zh": "选{v}({a})，"},
    "suppose": {"en": "suppose {p} is {k},", "zh": "假设{p}是{k}，"},
    "derive": {"en": "then {p} is {k},", "zh": "那么{p}是{k}，"},
    "fits": {"en": "this fits,", "zh": "这成立，"},
    "fails": {"en": "this fails,", "zh": "这矛盾，"},
    "holds": {"en": "{e} is {t},", "zh": "{e}为{t}，"},
    "asked": {"en": "the task is {g},", "zh": "任务是{g}，"},
    "ramble": {"en": "hmm, let me think,", "zh": "嗯，让我想想，"},
}

# Words that stand inside a phrase and have a form in each language.
WORDS: dict[str, dict[str, str]] = {
    "knight": {"en": "a knight", "zh": "骑士"},
    "knave": {"en": "a knave", "zh": "无赖"},
    "true": {"en": "true", "zh": "真"},
    "false": {"en": "false", "zh": "假"},
    "yes": {"en": "yes", "zh": "是"},
    "no": {"en": "no", "zh": "否"},
    "and": {"en": " and ", "zh": "且"},
    "or": {"en": " or ", "zh": "或"},
    "not": {"en": "not ", "zh": "非"},
    "speed": {"en": "speed is distance over time", "zh": "速度是路程除以时间"},
    "distance": {"en": "distance is speed times time", "zh": "路程是速度乘以时间"},
    "force": {"en": "force is mass times acceleration", "zh": "力是质量乘以加速度"},
    "voltage": {"en": "voltage is current times resistance", "zh": "电压是电流乘以电阻"},
    "current": {"en": "current is voltage over resistance", "zh": "电流是电压除以电阻"},
    "density": {"en": "density is mass over volume", "zh": "密度是质量除以体积"},
    "momentum": {"en": "momentum is mass times speed", "zh": "动量是质量乘以速度"},
    "work": {"en": "work is force times distance", "zh": "功是力乘以路程"},
    "pressure": {"en": "pressure is force over area", "zh": "压强是力除以面积"},
    "power": {"en": "power is work over time", "zh": "功率是功除以时间"},
    "fact": {"en": "a fact", "zh": "知识"},
    "repeat": {"en": "to repeat", "zh": "重复"},
    "upper": {"en": "capital letters", "zh": "大写"},
    "ending": {"en": "a last word", "zh": "结尾"},
    "greeting": {"en": "a greeting", "zh": "问候"},
    "harm": {"en": "not safe", "zh": "不安全"},
}


@dataclass(frozen=True)
class Sentence:
    """One phrase with its arguments; an argument that names a WORD is said in the language.

    An argument may also be a tuple of parts, each a WORD or plain text, e.g. ("p", "and", "q").
    """

    phrase: str
    arguments: dict[str, str | tuple[str, ...]] = field(default_factory=dict)

    def say(self, language: str) -> str:
        said = {name: word(value, language) for name, value in self.arguments.items()}
        return PHRASES[self.phrase][language].format(**said)


def word(value: str | tuple[str, ...], language: str) -> str:
    """A WORD, plain text or a tuple of both in one language."""
    parts = (value,) if isinstance(value, str) else value
    return "".join(WORDS[part][language] if part in WORDS else part for part in parts)


def say(sentences: Sequence[Sentence], languages: Sequence[str]) -> str:
    """The sentences one after the other, each in its own language; English ones spaced."""
    text = ""
    for sentence, language in zip(sentences, languages, strict=True):
        text += " " if text and language == "en" else ""
        text += sentence.say(language)
    return text


def _pattern(template: str) -> str:
    return re.sub(r"\\\{(\w)\\\}", r"(?P<\1>.+?)", re.escape(template))


def _fixed(template: str) -> int:
    return len(re.sub(r"\{\w\}", "", template))


_PATTERNS = {
    (name, language): re.compile(_pattern(template))
    for name, forms in PHRASES.items()
    for language, template in forms.items()
}


def translate_words(text: str, language: str) -> str:
    """The WORDS that stand in a text, in `language`; all else of it stays as it is."""
    (source,) = set(LANGUAGES) - {language}
    for forms in sorted(WORDS.values(), key=lambda forms: -len(forms[source])):
        text = text.replace(forms[source], forms[language])
    return text


def translate(text: str, language: str) -> str | None:
    """The same thought wholly in `language`; None when a sentence is not one of the phrases."""
    said: list[str] = []
    rest = text.strip()
    while rest:
        matches = [(m, *key) for key, p in _PATTERNS.items() if (m := p.match(rest))]
        if not matches:
            return None
        # The shortest sentence, and of those the phrase with the most fixed text.
        match, name, source = min(matches, key=lambda m: (m[0].end(), -_fixed(PHRASES[m[1]][m[2]])))
        arguments = {
            key: translate_words(value, language) if source != language else value
            for key, value in match.groupdict().items()
        }
        said.append(PHRASES[name][language].format(**arguments))
        rest = rest[match.end() :].strip()
    return (" " if language == "en" else "").join(said)
