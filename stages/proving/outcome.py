"""What becomes of a row that is asked to prove itself. No torch or numpy here."""

from __future__ import annotations

from dataclasses import dataclass

MATHS = "math"  # the verifier
PROVED, NOTHING = KEPT = ("proved", "nothing_to_prove")
REFUSED = (
    NO_REFERENCE,
    CANNOT_JUDGE,
    NOT_RIGHT,
    NOT_MATHEMATICS,
    ACCEPTS_ANYTHING,
) = (
    "no_reference",
    "cannot_judge",
    "reference_not_right",
    "not_mathematics",
    "accepts_anything",
)


@dataclass(frozen=True)
class Outcome:
    """What became of a row. lasting: another try would find the same."""

    reason: str
    detail: str = ""
    lasting: bool = True
