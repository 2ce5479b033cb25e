"""Rotary positions stretched over a longer window: what can be set, and what it comes to.

The words are those of transformers' `rope_parameters`, which vLLM reads from the same config.json.
The window is what the weights were made for times `factor`. Three types are taken:

    yarn     high frequencies stay, low ones are divided by the factor (arXiv 2309.00071)
    llama3   the same by wavelength, as Llama 3.1 was published
    linear   all are divided by the factor

`dynamic` is refused: its base follows the longest sequence of a batch, and keys that are in the
cache keep the base before, so sampling, training and vLLM (which takes one base for all lengths)
would each have another model. `longrope` needs factors that were searched for each frequency.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from pipeline.kinds import Problem

KEY, NEEDED = "context.rope_scaling", ("rope_type", "factor")
#: The types, with the keys that each has beside `factor` and their usual values; None: computed.
TYPES: dict[str, dict[str, float | None]] = {
    "yarn": {"beta_fast": 32.0, "beta_slow": 1.0, "attention_factor": None},
    "llama3": {"low_freq_factor": 1.0, "high_freq_factor": 4.0},
    "linear": {},
}
OWN = sorted({key for keys in TYPES.values() for key in keys})
REFUSED = {
    "dynamic": "whose base follows the longest sequence of a batch, so that sampling, training and "
    "vLLM would each have another model",
    "longrope": "whose factors were searched for each frequency of one model",
}


@dataclass(frozen=True)
class RopeScaling:
    """Rotary positions stretched by `factor`, by transformers' own words.

    original_max_position_embeddings: the window that the weights were made for; None: the
    checkpoint's, without the stretching that it may have already. The other keys belong to one
    type each; None is that type's usual value.
    """

    rope_type: str
    factor: float
    original_max_position_embeddings: int | None = None
    beta_fast: float | None = None  # yarn: rotations from which a frequency stays
    beta_slow: float | None = None  # yarn: and below which it is divided
    attention_factor: float | None = None  # yarn: of the logits; usually 0.1 ln(factor) + 1
    low_freq_factor: float | None = None  # llama3
    high_freq_factor: float | None = None  # llama3

    def window(self, original: int) -> int:
        """What a model sees whose weights were made for `original` tokens."""
        return int((self.original_max_position_embeddings or original) * self.factor)

    def parameters(self, original: int) -> dict[str, Any]:
        """The entries of `rope_parameters`, beside rope_theta."""
        usual = TYPES[self.rope_type]
        own = {key: getattr(self, key) or value for key, value in usual.items()}
        if usual:  # linear has none: its window is max_position_embeddings times the factor
            own["original_max_position_embeddings"] = (
                self.original_max_position_embeddings or original
            )
        said = {"rope_type": self.rope_type, "factor": float(self.factor), **own}
        return {key: value for key, value in said.items() if value is not None}


def read(said: Mapping[str, Any]) -> RopeScaling | None:
    """What a config says; None: nothing, or nothing that `check` lets pass."""
    return RopeScaling(**said) if said and not list(check(said)) else None


def check(said: Mapping[str, Any]) -> Iterator[Problem]:
    """What cannot be set whatever the model is."""
    if not said:
        return
    known = {field.name: field.type for field in fields(RopeScaling)}
    if unknown := [name for name in said if name not in known]:
        yield Problem(KEY, f"has {', '.join(unknown)}: expected any of {', '.join(known)}")
    if absent := [name for name in NEEDED if said.get(name) is None]:
        yield Problem(KEY, f"has no {' and no '.join(absent)}: e.g. {{rope_type: yarn, factor: 4}}")
    numbers = {name: value for name, value in said.items() if name != "rope_type"}
    for name, value in numbers.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            yield Problem(f"{KEY}.{name}", f"is {value!r}, expected a number")
            return
    if not unknown and not absent:
        yield from _sense(RopeScaling(**said))


def _sense(scaling: RopeScaling) -> Iterator[Problem]:
    kind = scaling.rope_type
    if kind not in TYPES:
        because = f", {REFUSED[kind]}" if kind in REFUSED else ""
        yield Problem(
            f"{KEY}.rope_type", f"is {kind}{because}: set it to one of {', '.join(TYPES)}"
        )
        return
    if not (math.isfinite(scaling.factor) and scaling.factor > 1):
        yield Problem(
            f"{KEY}.factor",
            f"is {scaling.factor:g}, and positions are stretched: set it above 1, e.g. 4, or "
            "rope_scaling to {}",
        )
    yield from _own_keys(scaling)


def _own_keys(scaling: RopeScaling) -> Iterator[Problem]:
    usual = TYPES[scaling.rope_type]
    for name in OWN:
        value = getattr(scaling, name)
        if value is None:
            continue
        if name not in usual:
            of = next(kind for kind, keys in TYPES.items() if name in keys)
            yield Problem(
                f"{KEY}.{name}",
                f"is {value:g}, which belongs to {of}, and rope_type is {scaling.rope_type}: "
                "leave it out",
            )
        elif not value > 0:
            yield Problem(f"{KEY}.{name}", f"is {value:g}: set it above 0, or leave it out")
    found = {name: getattr(scaling, name) or value or 0.0 for name, value in usual.items()}
    for less, more in (("beta_slow", "beta_fast"), ("low_freq_factor", "high_freq_factor")):
        if less in found and not found[less] < found[more]:
            yield Problem(
                f"{KEY}.{less}",
                f"is {found[less]:g}, not below {more}={found[more]:g}: leave both out for "
                f"{usual[less]:g} and {usual[more]:g}",
            )


def fits(
    scaling: RopeScaling,
    original: int,
    seen: int,
    positions: int | None,
) -> Iterator[Problem]:
    """What the factor comes to for a model made for `original` tokens, which now sees `seen`."""
    made_for = scaling.original_max_position_embeddings or original
    window, least = scaling.window(original), seen / made_for
    comes_to = f"{made_for} × {scaling.factor:g} = {window}"
    if positions is not None and positions != window:
        yield Problem(
            "context.positions",
            f"is {positions}, and rope_scaling makes {comes_to} of it: set it to null, or "
            f"rope_scaling.factor to {max(positions, seen + made_for) / made_for:g}",
        )
    elif window <= seen:
        yield Problem(
            f"{KEY}.factor",
            f"is {scaling.factor:g}, which makes {comes_to}, and the model sees {seen} tokens "
            f"already: set it above {least:g}, or rope_scaling to {{}}",
        )


def factor_for(tokens: int, original: int) -> int:
    """The smallest whole factor that makes room for so many tokens."""
    return max(2, -(-tokens // original))
