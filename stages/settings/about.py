"""What is known of a public data set that a stage reads: no setting of it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class About:
    """The card of a data set, in its file of conf/data; `r1 plan --data` and model cards list it.

    home: its name on the hub, or an address. licence: an SPDX identifier where there is one.
    rows: of the split that is read. megabytes: on disk, as downloaded. languages: codes.
    defects: what is known to be wrong with it, a sentence each.
    """

    home: str = ""
    licence: str = ""
    rows: int | None = None
    megabytes: float | None = None
    languages: list[str] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)
