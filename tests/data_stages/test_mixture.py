"""Mixtures: caps, shares, what is lacking, and that no row is taken twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import RecipeError, UsageError
from stages.chat.template import compose
from stages.kinds.mixture import run as mixture
from stages.kinds.mixture.kind import MixtureConfig, MixturePart
from stages.rows.mixture import Candidate, choose
from stages.rows.schemas import SAMPLE, read_rows


def sample(number: int, domain: str = "math", tokens: int | None = 10) -> dict:
    empty = dict.fromkeys(SAMPLE.names)
    return empty | {
        "id": f"{domain}-{number}",
        "domain": domain,
        "language": "zh" if number % 2 else "en",
        "prompt": [{"role": "user", "content": f"{number}?"}],
        "completion": compose("one two", str(number)),
        "metadata": "{}",
        "source": "tiny",
        "score": 1.0,
        "tokens": tokens,
    }


def conversation(number: int) -> dict:
    names = ("id", "domain", "language", "prompt", "completion", "source")
    row = sample(number, "general") | {"source": "mine"}
    return {name: row[name] for name in names}


@pytest.fixture
def mix(make_artifact, make_context):
    """`mix(parts, maths=…, seed=…)`: the published rows and the outputs."""
    made = {}

    def _mix(parts, maths=12, general=6, seed=0, model=None, **config):
        key = (maths, general)
        if key not in made:
            rows = [sample(n) for n in range(maths)]
            talk = [conversation(n) for n in range(general)]
            made[key] = (
                make_artifact("samples", f"reasoning_{maths}_{general}", rows),
                make_artifact("conversations", f"general_{maths}_{general}", talk),
            )
        context = make_context(seed=seed, stage="sft_data")
        edge = (*made[key], *([model] if model else []))
        settings = MixtureConfig("mixture", seed=seed, parts=parts, **config)
        outputs = mixture.run(settings, {"data_from": edge}, context)
        return read_rows(context.output / "rows.parquet"), outputs

    return _mix


def ids(rows) -> list[str]:
    return [row["id"] for row in rows]


def test_without_parts_every_row_is_taken_in_order_and_a_verdict_is_kept(mix):
    rows, outputs = mix({})
    assert ids(rows) == [f"math-{n}" for n in range(12)] + [f"general-{n}" for n in range(6)]
    assert (rows[0]["score"], rows[0]["reason"]) == (1.0, None)
    assert (rows[-1]["score"], rows[-1]["reason"], rows[-1]["answer"]) == (None, "given", "5")
    assert outputs.facts["by_source"] == {
        "tiny": {"rows": 12, "tokens": 120},
        "mine": {"rows": 6, "tokens": 0},
    }
    assert outputs.facts["rows_without_tokens"] == 6


def test_a_cap_takes_so_many_and_what_is_lacking_is_said_never_repeated(mix, capsys):
    parts = {
        "math": MixturePart(domains=["math"], rows=5),
        "general": MixturePart(domains=["general"], rows=100),
    }
    rows, outputs = mix(parts)
    assert len(set(ids(rows))) == len(rows) == 11
    assert outputs.facts["parts"]["math"] == {
        "available": 12, "rows": 5, "tokens": 50, "asked_rows": 5, "lacking_rows": 0,
    }  # fmt: skip
    assert outputs.facts["parts"]["general"]["lacking_rows"] == 94
    assert capsys.readouterr().out == "sft_data: part general asks for 100 rows, found 6\n"
    assert outputs.funnel == {
        "read": 18, "outside_mixture": 0, "over_cap": 7, "over_share": 0, "kept": 11,
    }  # fmt: skip


def test_a_higher_cap_adds_rows_and_another_seed_takes_others(mix):
    few, _ = mix({"math": MixturePart(domains=["math"], rows=4)})
    more, _ = mix({"math": MixturePart(domains=["math"], rows=8)})
    others, _ = mix({"math": MixturePart(domains=["math"], rows=4)}, seed=1)
    assert set(ids(few)) < set(ids(more))
    assert ids(few) != ids(others)


def test_shares_go_by_the_part_that_is_scarcest_once_its_cap_is_applied(mix):
    parts = {
        "math": MixturePart(domains=["math"], share=3),
        "general": MixturePart(domains=["general"], share=1, rows=2),
    }
    rows, outputs = mix(parts)
    assert [sum(row["domain"] == d for row in rows) for d in ("math", "general")] == [6, 2]
    assert outputs.funnel["over_share"] == 6
    alone, _ = mix(parts | {"general": MixturePart(domains=["general"], share=0)})
    assert {row["domain"] for row in alone} == {"math"}


def test_a_row_goes_to_the_first_part_that_it_matches_and_others_stay_outside(mix):
    parts = {
        "chinese": MixturePart(domains=["math"], languages=["zh"]),
        "mine": MixturePart(sources=["mine"], stages=["general_12_6"]),
    }
    rows, outputs = mix(parts)
    assert len(rows) == 12
    assert outputs.funnel["outside_mixture"] == 6  # English mathematics
    assert outputs.facts["by_language"]["zh"]["rows"] == 9


def test_token_caps_count_with_a_models_tokenizer_where_rows_do_not_say(
    mix, make_artifact, tiny_model_dir: Path
):
    parts = {"general": MixturePart(domains=["general"], tokens=40)}
    with pytest.raises(UsageError, match=r"sft_data\.parts\.general: 6 rows of `general_12_6` do"):
        mix(parts)
    model = make_artifact("model", "base", model_dir=tiny_model_dir)
    rows, outputs = mix(parts, model=model)
    each = {row["tokens"] for row in rows}
    assert len(each) == 1  # the answers differ in one digit
    assert len(rows) == 40 // each.pop() < 6
    assert outputs.facts["by_domain"]["general"]["tokens"] == sum(row["tokens"] for row in rows)
    assert outputs.facts["rows_without_tokens"] == 0


def test_shares_of_tokens_balance_long_rows_with_short_ones():
    candidates = [Candidate("s", "math", "tiny", "en", 30) for _ in range(10)]
    candidates += [Candidate("s", "code", "tiny", "en", 10) for _ in range(6)]
    parts = {name: MixturePart(domains=[name], share=1) for name in ("math", "code")}
    chosen = choose(candidates, parts, "tokens", seed=0, key="parts")
    assert [len(chosen[name].places) for name in parts] == [2, 6]


def test_wrong_parts_are_refused_with_their_key(mix):
    half = {"a": MixturePart(share=1.0), "b": MixturePart()}
    with pytest.raises(UsageError, match=r"sft_data\.parts: b have no share"):
        mix(half)
    with pytest.raises(UsageError, match="their sum must be above 0"):
        mix({"a": MixturePart(share=0.0)})
    with pytest.raises(UsageError, match="shares_of: is 'words': expected one of rows, tokens"):
        mix({}, shares_of="words")
    with pytest.raises(RecipeError, match="none of 18 rows is left"):
        mix({"a": MixturePart(domains=["poems"])})
