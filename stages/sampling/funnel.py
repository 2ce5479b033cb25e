"""How many samples each filter dropped, in all and by domain; the counts add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

SAMPLED, KEPT = "sampled", "kept"
OVER_QUOTA = "over_quota"


class Funnel:
    """Counts samples by domain and by what dropped them; `reasons` are shown in this order."""

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = list(dict.fromkeys(reasons))
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, domain: str, dropped_by: str | None) -> None:
        """One more sample; None: it was kept."""
        self._counts[domain, dropped_by or KEPT] += 1

    def whole(self) -> dict[str, int]:
        """Sampled, what each filter dropped, kept."""
        return self._of({domain for domain, _ in self._counts})

    def by_domain(self) -> dict[str, dict[str, int]]:
        """The same for each domain, without the filters that dropped nothing there."""
        domains = sorted({domain for domain, _ in self._counts})
        return {domain: {k: n for k, n in self._of({domain}).items() if n} for domain in domains}

    def _of(self, domains: set[str]) -> dict[str, int]:
        totals: Counter[str] = Counter()
        for (domain, reason), count in self._counts.items():
            totals[reason] += count if domain in domains else 0
        dropped = {reason: totals[reason] for reason in [*self.reasons, *totals] if reason != KEPT}
        return {SAMPLED: totals.total(), **dropped, KEPT: totals[KEPT]}
