"""The vectorised search against what is plain: n-grams in a dictionary, every pair compared."""

from __future__ import annotations

import json
import random
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest

from benchmarks.decontamination_rows import write_benchmarks, write_training_rows
from benchmarks.files import OWN, Folder
from benchmarks.plain_ngrams import PlainNgrams, units_of
from stages.hygiene.benchmarks import Rules, index
from stages.hygiene.contamination import contaminated
from stages.hygiene.duplicates import Candidate, Signatures, near_duplicates, shingle_sets
from stages.hygiene.row_files import StageRows
from stages.hygiene.units import split
from stages.rows.schemas import read_rows

LANGUAGES = ("bn", "de", "en", "es", "fr", "ja", "ru", "sw", "te", "th", "zh")


@pytest.mark.parametrize("language", LANGUAGES)
def test_units_are_those_of_a_regular_expression(sets, language):
    texts = [row["prompt"][0]["content"] for row in sets.mgsm(language)]
    units = split(texts)
    for number, text in enumerate(texts):
        first, end = units.texts[number], units.texts[number + 1]
        assert units.words(first, end - first).split(" ") == units_of(text)


def test_units_of_solutions_with_latex_too(sets):
    texts = [json.loads(row["metadata"])["solution"] for row in sets.math500()]
    units = split(texts)
    assert units.words(0, len(units.hashes)).split(" ") == units_of("\n".join(texts))


@pytest.mark.parametrize("size", [4, 10])
def test_the_same_rows_are_found_as_by_a_plain_script(tmp_path: Path, size: int):
    (tmp_path / "benchmarks").mkdir()
    data = Folder(OWN)
    write_benchmarks(data, tmp_path / "benchmarks")
    facts = write_training_rows(data, tmp_path / "benchmarks", tmp_path / "rows.parquet", 3000)
    files = sorted((tmp_path / "benchmarks").glob("*.parquet"))
    plain = PlainNgrams({file.stem: read_rows(file) for file in files}, size, 3, 3)
    expected = [
        n for n, row in enumerate(read_rows(tmp_path / "rows.parquet")) if plain.contaminated(row)
    ]
    ours = index(
        ((file.stem, StageRows(file.stem, file).batches()) for file in files), Rules(size, 3, 3)
    )
    batches = list(StageRows("rows", tmp_path / "rows.parquet").batches())
    assert [match.row for batch in batches for match in contaminated(batch, ours)] == expected
    assert len(facts["planted_rows"]) == 30
    assert 30 < len(expected) < 3000


def test_near_duplicates_are_those_of_comparing_every_pair():
    rng = random.Random(0)
    words = ["".join(letters) for letters in product("abcdefgh", repeat=3)]
    texts = []
    for _ in range(150):
        text = rng.choices(words, k=60)
        texts.append(" ".join(text))
        for place in rng.sample(range(60), rng.randint(0, 3)):
            text[place] = rng.choice(words)
        texts.append(" ".join(text))
    sets = shingle_sets(texts, 5)
    plain = [{tuple(t.split()[n : n + 5]) for n in range(len(t.split()) - 4)} for t in texts]
    expected: dict[int, int] = {}
    for one, other in sorted(combinations(range(len(texts)), 2), key=lambda pair: pair[::-1]):
        both = len(plain[one] & plain[other]) / len(plain[one] | plain[other])
        if both >= 0.8 and one not in expected and other not in expected:
            expected[other] = one
    signatures = Signatures.of(texts, 5)
    shared = signatures.shared_bands()
    candidates = [
        Candidate(n, sets[n], [(b, int(signatures.bands[n, b])) for b in np.flatnonzero(row)], None)
        for n, row in enumerate(shared)
    ]
    found = near_duplicates(candidates, 0.8)
    assert {number: other for number, (other, _) in found.items()} == expected
    assert 30 < len(expected) < 150
