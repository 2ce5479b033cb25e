"""How hard each problem is for a model, from samples whose number depended on what came out.

Adaptive sampling stops where answers came early, so the plain share correct / n is too high on
average (inverse binomial sampling): one success in one draw says 100 %. Given here is the mean of
the posterior Beta(a + correct, b + wrong), with its 95 % interval. The likelihood of the draws does
not depend on why they stopped, so the posterior holds under any rule that looks at the draws alone.
The prior (a, b) is fitted by maximum likelihood to the problems of the same domain and language,
which also makes a problem with few samples less sure than one with many.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
from scipy.special import betaincinv

from stages.rows.schemas import Row
from stages.sampling.adaptive import beta_priors
from stages.sampling.collect import Job
from stages.sampling.rounds import Seen

TAIL = 0.025  # of the posterior, on either side of its 95 % interval

PASS_RATE = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("domain", pa.string()),
        ("language", pa.string()),
        ("drawn", pa.int64()),
        ("n", pa.int64()),  # judged samples
        ("correct", pa.int64()),  # by the verifier, readable or not
        ("accepted", pa.int64()),  # those that no filter dropped, duplicates included
        ("distinct", pa.int64()),
        ("pass_rate", pa.float64()),  # null when nothing could be judged
        ("low", pa.float64()),
        ("high", pa.float64()),
    ]
)


def pass_rates(jobs: Sequence[Job], seen: Seen) -> Iterator[Row]:
    """One row per problem that was asked."""
    priors = beta_priors(seen.correct, seen.judged, seen.group)
    a, b = priors[:, 0] + seen.correct, priors[:, 1] + seen.judged - seen.correct
    low, high = betaincinv(a, b, TAIL), betaincinv(a, b, 1 - TAIL)
    for i, job in enumerate(jobs):
        known = bool(seen.judged[i])
        estimates = {"pass_rate": a[i] / (a[i] + b[i]), "low": low[i], "high": high[i]}
        yield {
            **{name: job.problem[name] for name in ("id", "source", "domain", "language")},
            **{name: int(getattr(seen, name)[i]) for name in ("drawn", "correct", "accepted")},
            "distinct": int(seen.distinct[i]),
            "n": int(seen.judged[i]),
            **{name: float(value) if known else None for name, value in estimates.items()},
        }
