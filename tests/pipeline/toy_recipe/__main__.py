"""`python -m toy_recipe VERB …` is to this recipe what `r1` is to the real one."""

import sys
from pathlib import Path

from pipeline.cli import main
from pipeline.project import Project

TOY = Project(
    about="A recipe of sums.",
    registry="toy_recipe.kinds:REGISTRY",
    conf=str(Path(__file__).parent / "conf"),
    preload="toy_recipe.kinds:PRELOAD",
    observer="toy_recipe.watching:build_observer",
    report="toy_recipe.watching:build_report",
    closing="toy_recipe.watching:last_words",
    reach="toy_recipe.reach",
)

if __name__ == "__main__":
    sys.exit(main(TOY))
