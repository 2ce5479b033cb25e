"""Where a claim holds and yet something fell: results that a tick in a table would hide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stages.report.names import ACCURACY, REPRODUCED


def falls(
    claims: Iterable[Mapping[str, Any]],
    judged: Iterable[Mapping[str, Any]],
    differences: Iterable[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Significant losses against the stage before, of stages that a reproduced claim puts above.

    claims: as configured; judged, differences: as in the facts. A loss that a claim itself states
    is none of them. `claims` of each holds the ids of the claims that hold all the same.
    """
    held = {claim["id"] for claim in judged if claim["verdict"] == REPRODUCED}
    checks = [
        (int(claim["id"]), check)
        for claim in claims
        if claim["id"] in held
        for check in claim["checks"]
        if check.get("left", {}).get("metric") and check.get("right")
    ]
    found = []
    for loss in differences:
        if loss["difference"] is None or loss["high"] >= 0 or _stated(loss, checks):
            continue
        ids = [number for number, check in checks if _puts_above(check, loss["stage"])]
        if ids:
            found.append(dict(loss) | {"claims": list(dict.fromkeys(ids))})
    return found


def _puts_above(check: Mapping[str, Any], stage: str) -> bool:
    left = check["left"]
    greater = check["relation"] == "greater" and float(check.get("margin", 0.0)) >= 0
    return bool(greater and left["stage"] == stage and left["metric"] == ACCURACY)


def _stated(loss: Mapping[str, Any], checks: Iterable[tuple[int, Mapping[str, Any]]]) -> bool:
    return any(
        check["relation"] == "less"
        and check["left"]["stage"] == loss["stage"]
        and check["right"]["stage"] == loss["against"]
        and check["left"].get("group") == loss["group"]
        for _, check in checks
    )


def sentences(found: Sequence[Mapping[str, Any]]) -> str:
    """The losses as a Markdown list."""
    return "\n".join(f"- {_sentence(loss)}" for loss in found)


def _sentence(loss: Mapping[str, Any]) -> str:
    ids = [str(number) for number in loss["claims"]]
    named = f"claim {ids[0]} holds" if len(ids) == 1 else f"claims {' and '.join(ids)} hold"
    low, high = (100 * loss[side] for side in ("low", "high"))
    return (
        f"Though {named}, {loss['group']} accuracy fell by {-100 * loss['difference']:.1f} points "
        f"from {loss['against']} to {loss['stage']} [{low:+.1f}, {high:+.1f}]."
    )
