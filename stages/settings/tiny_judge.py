"""What the tiny world's judge values (stages/tiny/judge.py)."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING


@dataclass
class Judge:
    """What it gives a reply for being right, courteous or beside the point."""

    right: float = MISSING
    courteous: float = MISSING
    chatty: float = MISSING
