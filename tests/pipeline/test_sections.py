"""A number of conf/ and the place that it comes from stand together."""

from __future__ import annotations

from typing import Any

from pipeline.sections import keep_sources


def kept(section: dict[str, Any]) -> dict[str, Any]:
    """A stage as its file says it, with values and sources apart."""
    content: dict[str, Any] = {"stages": {"zero": section}}
    keep_sources(content)
    found: dict[str, Any] = content["stages"]["zero"]
    return found


def test_a_value_is_left_and_its_place_kept_by_dotted_key() -> None:
    said = {
        "steps": {"value": 9, "source": "2.1"},
        "sampling": {"top_p": {"value": 1, "source": "3"}},
    }
    assert kept(said) == {
        "steps": 9,
        "sampling": {"top_p": 1},
        "sources": {"steps": "2.1", "sampling.top_p": "3"},
    }


def test_a_place_alone_sets_no_value() -> None:
    said = {"algorithm": {"ratio": {"source": "equation 3"}}, "lora": {}}
    assert kept(said) == {"lora": {}, "sources": {"algorithm.ratio": "equation 3"}}


def test_a_mapping_may_have_a_place_and_parts_with_their_own() -> None:
    said = {
        "rewards": {"source": "3.2", "value": {"safe": {"source": "3.1", "value": {"weight": 1}}}}
    }
    assert kept(said) == {
        "rewards": {"safe": {"weight": 1}},
        "sources": {"rewards": "3.2", "rewards.safe": "3.1"},
    }


def test_a_source_among_other_keys_is_a_key_like_any_other() -> None:
    prompt = {"text": {"en": "…"}, "source": "table 1"}
    assert kept({"template": prompt, "sources": {"a": "b"}}) == {
        "template": prompt,
        "sources": {"a": "b"},
    }


def test_a_column_named_source_that_rows_are_chosen_by_is_no_place() -> None:
    where = {"where": {"source": ["a", "b"]}, "part": {"source": {"not": ["c"]}}}
    assert kept(where) == where
