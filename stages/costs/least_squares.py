"""Coefficients of named features, none below 0, by least squares of relative errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def coefficients(rows: Sequence[Mapping[str, float]], totals: Sequence[float]) -> dict[str, float]:
    """What each feature weighs, where a row's features sum up to its total; {} of no row.

    One whose best weight would be below 0 weighs nothing, the most negative one first. Features
    that always come in one proportion share what they explain together.
    """
    import numpy as np

    names = sorted({name for row in rows for name in row})
    if not rows:
        return {}
    relative = np.array(
        [[row.get(n, 0.0) / total for n in names] for row, total in zip(rows, totals, strict=True)]
    )
    scale = np.abs(relative).max(0)
    kept = [place for place, size in enumerate(scale) if size > 0]
    while kept:
        found = np.linalg.lstsq(relative[:, kept] / scale[kept], np.ones(len(rows)), rcond=1e-6)[0]
        if found.min() >= 0:
            weights = dict(zip(kept, found / scale[kept], strict=True))
            return {name: float(weights.get(place, 0.0)) for place, name in enumerate(names)}
        del kept[int(found.argmin())]
    return dict.fromkeys(names, 0.0)
