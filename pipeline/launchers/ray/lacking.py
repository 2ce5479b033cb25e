"""What a cluster lacks, in words, by the names that Ray has for resources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Resources = Mapping[str, float]


def lacking(bundle: Resources, count: int, there: Sequence[Resources], free: Resources) -> str:
    """Why `count` nodes with these resources cannot be had now, in words."""
    asked = f"{count} node{'s' if count > 1 else ''} with {_words(bundle)}"
    have = {name: sum(node.get(name, 0) >= n for node in there) for name, n in bundle.items()}
    fit = sum(all(node.get(name, 0) >= n for name, n in bundle.items()) for node in there)
    if short := {name: n for name, n in bundle.items() if have[name] < count}:
        lacks = ", ".join(f"{have[name]} with {_words({name: n})}" for name, n in short.items())
        return f"{asked} asked for; of {len(there)} nodes there are {lacks}"
    if fit < count:
        return f"{asked} asked for; of {len(there)} nodes {fit} have all of it"
    left = ", ".join(
        f"{_words({name: free.get(name, 0)})} of "
        f"{_amount(name, sum(node.get(name, 0) for node in there))}"
        for name in bundle
    )
    return f"{asked} asked for; free in all: {left}"


def _words(amounts: Resources) -> str:
    return ", ".join(f"{name} {_amount(name, amount)}" for name, amount in amounts.items())


def _amount(name: str, amount: float) -> str:
    return f"{amount / 1024**3:.3g} GiB" if name == "memory" else f"{amount:g}"
