"""The report of a run, rebuilt from the artifacts alone.

report.md and report.html say it, facts.json and figures/ hold what they say.

    build(artifacts, config, out, run)   writes the report and returns the path of report.md
    facts(artifacts, config)             the same facts as plain data, for `r1 report --json`

`artifacts` may be those of any part of a recipe: what was not run is shown as not run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.artifact import Artifact
from pipeline.errors import UsageError
from pipeline.run_folder import REPORT_FACTS
from pipeline.seeds import ONE, of_each, read

REPORT, PAGE = "report.md", "report.html"


def facts(
    artifacts: Mapping[str, Artifact],
    config: Mapping[str, Any],
    foreseen: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Every stage's metrics, every claim's verdict, what every stage cost.

    foreseen: what stages were to cost, as stages/costs/compare.py says it.
    """
    from stages.report import costs
    from stages.report.gather import gather

    if not config.get("claims"):
        raise UsageError("claims: no value. A recipe names its claims, e.g. `/claims@claims: r1`.")
    found = gather(artifacts, config["claims"], by_seed(artifacts, config))
    return found | {"cost": costs.facts(artifacts, foreseen or {})}


def by_seed(
    artifacts: Mapping[str, Artifact], config: Mapping[str, Any]
) -> dict[int, dict[str, Artifact]]:
    """The artifacts of each seed that a config asks for, by the names without it."""
    return of_each(artifacts, read({ONE: 0, **config}), config.get("stages") or artifacts)


def build(
    artifacts: Mapping[str, Artifact],
    config: Mapping[str, Any],
    out: Path,
    run: Mapping[str, Any],
) -> Path:
    """Write the report into `out`; `run` says what ran (`name`, and words to show as they are).

    run["foreseen"]: what stages were to cost.
    """
    from pipeline.statistics import Bootstrap
    from stages.report import effects, markdown, web
    from stages.report.evidence import Evidence
    from stages.report.figures import draw, draw_all
    from stages.report.page import Page

    out.mkdir(parents=True, exist_ok=True)
    known = facts(artifacts, config, run.get("foreseen"))
    claims = config["claims"]
    seeds = by_seed(artifacts, config)
    evidence = [Evidence(own, seed) for seed, own in seeds.items()]
    bootstrap = Bootstrap(**claims["bootstrap"])
    figures = draw_all(evidence, claims["shown"], bootstrap, out / "figures")
    if checks := effects.rows(claims["claims"], known["claims"]):
        drawing = partial(effects.draw, checks)
        figures.append(draw(effects.NAME, effects.CAPTION, checks, drawing, out / "figures"))
    page = Page(artifacts, seeds, config, run, known, figures, out)
    (out / REPORT_FACTS).write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n")
    (out / PAGE).write_text(web.write(page))
    (out / REPORT).write_text(markdown.write(page))
    return out / REPORT
