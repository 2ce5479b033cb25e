"""How much of the rows that are left is taken: caps and shares by part, and what they lack."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pipeline.errors import RecipeError
from stages.kinds.clean import kind
from stages.kinds.clean.kind import CleanConfig
from stages.rows.schemas import read_rows
from stages.settings.parts import MixturePart


def ids(folder):
    return [row["id"] for row in read_rows(folder / "rows.parquet")]


@pytest.fixture
def some(sets):
    """`some("en", 10)`: so many different problems of a source and language."""

    def make(source, count, language="en", domain="math"):
        rows = [sets.problem(f"{source}-{n}", f"{source} {n} + {n} = ?") for n in range(count)]
        return [row | {"source": source, "language": language, "domain": domain} for row in rows]

    return make


@pytest.fixture
def cap(clean, sets):
    """Clean rows with caps, apart from a benchmark of one short item."""

    def run(rows, /, **config):
        item = sets.problem("item", "leaked 0 + 0 = ?")
        return clean(rows, {"bench": [item]}, near_duplicate=None, **config)

    return run


def test_a_number_of_rows_is_divided_by_shares_and_rows_keep_their_order(cap, some):
    rows = [*some("a", 60), *some("b", 60), *some("c", 60)]
    parts = {
        "ab": MixturePart(sources=["a", "b"], share=2.0),
        "c": MixturePart(sources=["c"], share=1.0),
    }
    folder, outputs = cap(rows, rows=31, parts=parts)
    kept = ids(folder)
    assert kept == [row["id"] for row in rows if row["id"] in set(kept)]
    assert [outputs.facts["parts"][name]["rows"] for name in ("ab", "c")] == [21, 10]
    assert outputs.funnel["over_cap"] == 180 - 31
    assert outputs.funnel["read"] == 180
    assert outputs.funnel["kept"] == 31
    assert {id_[0] for id_ in kept} == {"a", "b", "c"}, "drawn, not the first ones"


def test_a_part_with_fewer_rows_than_its_share_says_so_and_no_other_grows(cap, some, capsys):
    rows = [*some("en", 50), *some("zh", 3, "zh")]
    parts = {
        "english": MixturePart(languages=["en"], share=1.0),
        "chinese": MixturePart(languages=["zh"], share=1.0),
    }
    folder, outputs = cap(rows, rows=20, parts=parts)
    assert len(ids(folder)) == 13
    line = outputs.facts["parts"]["chinese"]
    assert line == {
        "available": 3, "rows": 3, "share": 1.0, "asked_rows": 10, "lacking_rows": 7
    }  # fmt: skip
    assert "stages.cleaned.parts.chinese: asked 10 rows, found 3" in capsys.readouterr().out


def test_caps_are_applied_after_the_screening(cap, some):
    rows = [*some("leaked", 5), *some("fine", 5)]
    folder, outputs = cap(rows, parts={"leaked": MixturePart(sources=["leaked"], rows=4)})
    assert sorted(ids(folder)) == ["leaked-1", "leaked-2", "leaked-3", "leaked-4"]
    assert outputs.funnel["contaminated/bench"] == 1
    assert outputs.funnel["over_cap"] == 5


def test_rows_of_a_part_follow_the_seed_and_a_raised_cap_moves_none(cap, some, make_context):
    rows = some("a", 40)
    few = set(ids(cap({"few": rows}, rows=10)[0]))
    more = set(ids(cap({"more": rows}, rows=20)[0]))
    assert few < more
    assert few != {f"a-{n}" for n in range(10)}


def test_a_part_that_lost_all_its_rows_is_refused_with_why(cap, some):
    rows = [*some("leaked", 1, "zh"), *some("fine", 5)]
    part = MixturePart(sources=["leaked"], share=1.0)
    rest = MixturePart(share=1.0)
    with pytest.raises(RecipeError) as refused:
        cap(rows, rows=4, parts={"chinese": part, "rest": rest})
    said = str(refused.value)
    assert "stages.cleaned.parts.chinese: no row is left for it of sources ['leaked']" in said
    assert "all 1 were dropped (contaminated 1)" in said
    assert "data_from" in said


def test_a_part_that_no_row_matches_is_refused_with_what_there_is(cap, some):
    part = MixturePart(sources=["acereason"], share=1.0)
    with pytest.raises(RecipeError, match=r"sources \['acereason'\]; rows are of .*source fine"):
        cap(some("fine", 5), rows=4, parts={"maths": part})


@pytest.mark.parametrize("none", [{"share": 0.0}, {"rows": 0, "share": 1.0}])
def test_a_part_that_asks_for_nothing_may_be_empty(cap, some, none):
    parts = {"none": MixturePart(sources=["b"], **none), "rest": MixturePart(share=1.0)}
    folder, _ = cap(some("a", 5), rows=4, parts=parts)
    assert len(ids(folder)) in (2, 4)


def test_without_a_number_of_rows_the_scarcest_part_decides(cap, some):
    rows = [*some("a", 30), *some("b", 4)]
    parts = {
        "a": MixturePart(sources=["a"], share=3.0),
        "b": MixturePart(sources=["b"], share=1.0),
    }
    folder, outputs = cap(rows, parts=parts)
    assert len(ids(folder)) == 16
    assert outputs.funnel["over_cap"] == 18


def test_a_part_names_the_stages_that_rows_were_proved_from(clean, some, make_artifact):
    rows = [*some("a", 6), *some("b", 6)]
    facts = {"rows_from": [["first", 6], ["second", 6]]}
    proven = make_artifact("problems", "proven", rows, facts=facts)
    parts = {"second": MixturePart(stages=["second"], rows=2)}
    folder, _ = clean({"proven": proven}, {}, near_duplicate=None, parts=parts)
    assert {id_[0] for id_ in ids(folder)} == {"b"}
    whole = {"all": MixturePart(stages=["proven"], rows=12)}
    folder, _ = clean({"proven": proven}, {}, near_duplicate=None, parts=whole)
    assert len(ids(folder)) == 12


def test_pairs_are_compared_by_both_answers_and_capped_by_source(clean, sets):
    def pair(id_, prompt, chosen, rejected, source="hs3"):
        said = [{"role": "user", "content": prompt}]
        row = {"id": id_, "prompt": said, "chosen": chosen, "rejected": rejected}
        return row | {"margin": 1.0, "source": source}

    leak = sets.gsm8k()[0]["prompt"][0]["content"]
    rows = [
        pair("one", "Say hello.", "Hello!", "No."),
        pair("same", "Say hello.", "Hello!", "No."),
        pair("other answer", "Say hello.", "Hello!", "Never."),
        pair("leak", "Write a riddle.", f"Here it is: {leak}", "No."),
        *(pair(f"uf-{n}", f"Count to {n}.", str(n), "?", "uf") for n in range(9)),
    ]
    parts = {"hs3": MixturePart(sources=["hs3"]), "uf": MixturePart(sources=["uf"], rows=2)}
    folder, outputs = clean(
        rows, {"gsm8k": sets.gsm8k()}, "preferences", near_duplicate=None, parts=parts
    )
    kept = ids(folder)
    assert kept[:2] == ["one", "other answer"]
    assert len(kept) == 4
    assert outputs.funnel["exact_duplicate"] == 1
    assert outputs.funnel["contaminated/gsm8k"] == 1


@pytest.mark.parametrize(
    ("settings", "key", "said"),
    [
        ({"parts": {"a": MixturePart(tokens=5)}}, "parts.a.tokens", "counts rows"),
        ({"rows": 9, "parts": {"a": MixturePart(rows=5)}}, "parts.a.share", "set it, 0 for none"),
        ({"rows": 0}, "rows", "set it to 1 or more"),
        ({"parts": {"a": MixturePart(stages=["x"])}}, "parts.a.stages[0]", "expected one of pool"),
        ({"parts": {"a": MixturePart(domains=["x"])}}, "parts.a.domains[0]", "math"),
    ],
)
def test_caps_that_cannot_be_kept_are_refused_while_composing(shipped, settings, key, said):
    config = CleanConfig(**{"kind": "clean_problems", "seed": 0, **shipped, **settings})
    pool = SimpleNamespace(name="pool", kind=SimpleNamespace(name="dataset"))
    found = {
        p.key: p.text
        for p in kind.check(SimpleNamespace(config=config, inputs={"data_from": (pool,)}))
    }
    assert said in found[key]
