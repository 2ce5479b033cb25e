"""report.html: one file that needs no network, no script and no file beside it.

Its first page is for a reader of two minutes; what is behind it are the parts of report.md and a
page for each stage. A browser shows one page at a time (templates/page.css).
"""

from __future__ import annotations

from markupsafe import Markup

from stages.report import falls
from stages.report.markdown import MARKS, sections
from stages.report.page import CLAIMS, HEADLINES, SAMPLES, Page
from stages.report.web_stages import stages
from stages.report.web_text import Image, markdown, rendered

NUMBERS, BEHIND, CARE = "numbers", "behind", "care"


def write(page: Page) -> str:
    """The whole page."""
    figures = {d.name: Image.of(d.svg.read_text(), d.caption) for d in page.figures}
    images = {f"figures/{name}.png": figure for name, figure in figures.items()}
    parts = {section.key: section for section in sections(page)}
    rest = [s for s in parts.values() if s.key not in (HEADLINES, CLAIMS, SAMPLES, CARE)]
    numbers = "\n\n".join(f"### {section.title}\n\n{section.text}" for section in rest)
    care = parts[CARE].text
    behind = [
        (CLAIMS, parts[CLAIMS].title, markdown(parts[CLAIMS].text, images)),
        (NUMBERS, "Numbers", markdown(numbers, images)),
        (BEHIND, "Stages", Markup("")),
        (CARE, parts[CARE].title, markdown(care, images)),
    ]
    return rendered(
        "report.html.j2",
        title=page.run.get("name", "Report"),
        headline=markdown(parts[HEADLINES].text, images),
        fell=markdown(falls.sentences(page.facts["fell"]), images),
        rests_on=_rests_on(page),
        cautions=care.count("\n") + 1,
        claims=page.facts["claims"],
        marks=MARKS,
        figures=figures,
        parts=[{"key": key, "title": title, "html": html} for key, title, html in behind],
        stages=list(stages(page)),
    )


def _rests_on(page: Page) -> str:
    """On how much the verdicts rest."""
    counts = [check["n"] for claim in page.facts["claims"] for check in claim["checks"]]
    counts = [n for n in counts if n]
    if not counts:
        return "No claim was measured."
    seeds = page.facts["seeds"]
    units = f"{min(counts)} to {max(counts)} problems or steps a check"
    if len(seeds) > 1:
        return f"Verdicts rest on {len(seeds)} seeds of training and {units}."
    return f"Verdicts rest on one seed and {units}: another seed of training may move them."
