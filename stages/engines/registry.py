"""The engines by their names in configuration; TRL is none of them."""

from __future__ import annotations

from stages.engines.engine import Engine
from stages.engines.slime import Slime
from stages.engines.verl import Verl

ENGINES: dict[str, Engine] = {engine.name: engine for engine in (Verl(), Slime())}
