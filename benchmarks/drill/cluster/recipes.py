"""What is run over a cluster."""

from __future__ import annotations

import sys

from benchmarks.drill.scene import HERE, Recipe

_COMMAND = (sys.executable, "-m", "stages")


def _recipe(name: str, *words: str) -> Recipe:
    shared = ("profile=smoke", "launcher.max_parallel=2", *words)
    return Recipe(name, "zero", _COMMAND, shared, "R1_ROOT", str(HERE))


_ZERO = ("recipe=r1_zero", "until=zero", "stages.zero.max_steps=24", "stages.zero.save_steps=2")
RECIPES = {
    recipe.name: recipe
    for recipe in (
        _recipe("zero", *_ZERO),  # the RL stage is the longest
        _recipe("whole"),
    )
}
