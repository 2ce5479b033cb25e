"""What the page of one stage shows: its numbers, curves, funnel and completions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from pipeline.artifact import Artifact
from stages.report import stage_figure, tables
from stages.report.evidence import Evidence, Missing, seconds
from stages.report.gallery import Gallery, Shown, complete, gallery
from stages.report.names import ACCURACY, GENERAL, HEADLINE
from stages.report.origins import commit, short
from stages.report.page import Page
from stages.report.samples import SAMPLES, cut, mark, plain, question
from stages.report.web_text import Image, markdown


def stages(page: Page) -> Iterator[dict[str, Any]]:
    """The values of every stage for the template, in the order of the run.

    Of several seeds: curves of all, numbers over all, the rest of the first that has the stage.
    """
    evidence = Evidence(page.first)
    for name, artifact in page.first.items():
        estimates = page.facts["stages"].get(name, {})
        path = _completions(evidence, name, artifact)
        yield {
            "name": name,
            "kind": str(artifact.manifest["kind"]),
            "time": tables.duration(seconds(artifact)),
            "memory": tables.memory(artifact),
            "fingerprint": artifact.fingerprint,
            "code": short(commit(artifact.manifest)) or "unknown",
            "sources": [(i["edge"], i["stage"]) for i in artifact.manifest.get("inputs") or ()],
            "reasoning": tables.cell(estimates, HEADLINE),
            "general": tables.cell(estimates, f"{GENERAL}/{ACCURACY}"),
            "headlines": markdown(tables.evaluations([name], page.facts["stages"]), {}),
            "numbers": _numbers(name, page),
            "count": len(estimates),
            "curves": _curves(page.seeds, name, page.shown),
            "funnel": list(_funnel(artifact.manifest.get("funnel") or {})),
            "asked": evidence.evaluation(name).stage if name in evidence.models() else "",
            "gallery": _gallery(path, page.shown) if path else None,
        }


def _numbers(name: str, page: Page) -> Markup | None:
    if name not in page.facts["stages"]:
        return None
    estimates = page.facts["stages"][name]
    rows = [[key, tables.cell(estimates, key), _n(entry)] for key, entry in estimates.items()]
    how = "Shares in per cent; brackets: 95 % interval over problems or rows."
    return markdown(f"{tables.table(['', name, 'n'], rows)}\n\n{how}", {})


def _n(entry: Mapping[str, Any]) -> str:
    return tables.NONE if entry["n"] is None else f"{entry['n']:,}"


def _curves(seeds: Sequence[Evidence], name: str, shown: Mapping[str, Any]) -> Image | None:
    curves = []
    for evidence in seeds:
        try:
            curves.append(evidence.curve(name))
        except Missing:
            continue
    if not curves:
        return None
    svg = stage_figure.draw(curves, shown["own_curves"], shown["smoothing"])
    many = f"Rolling means: of {len(curves)} seeds each faint, the mean of these strong."
    single = "Single steps faint, their rolling mean strong."
    return Image.of(svg, many if len(curves) > 1 else single) if svg else None


def _funnel(funnel: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    counts = {key: value for key, value in funnel.items() if isinstance(value, int)}
    most = max(counts.values(), default=0) or 1
    for reason, count in counts.items():
        yield {"reason": reason, "count": count, "share": count / most}


def _completions(evidence: Evidence, name: str, artifact: Artifact) -> Path | None:
    """Where the completions of a stage are: of its evaluation, or the samples that it kept."""
    if name in evidence.models():
        path = evidence.evaluation(name).path / SAMPLES
    elif artifact.type == "samples":
        path = artifact.rows_path
    else:
        return None
    return path if complete(path) else None


def _gallery(path: Path, shown: Mapping[str, Any]) -> dict[str, Any]:
    found: Gallery = gallery(path, shown["gallery"])
    lengths = shown["samples"]
    return {
        "looked_at": found.looked_at,
        "counts": found.counts,
        "shown": [_shown(one, lengths["folded_from"], lengths["longest"]) for one in found.shown],
    }


def _shown(one: Shown, folded_from: int, longest: int) -> dict[str, str]:
    sample = one.sample
    text = str(sample["completion"])
    said = sample.get("reason")
    return {
        "sort": one.sort,
        "why": plain(one.why or ("" if said in (None, "right", "wrong") else str(said))),
        "verdict": mark(sample),
        "where": plain(f"{sample['domain']}, {sample['id']}"),
        "question": cut(plain(question(sample)), folded_from),
        "reference": cut(plain(str(sample.get("reference") or "")), folded_from),
        "completion": cut(plain(text), longest),
        "folded": f"{len(text):,} characters" if len(text) > folded_from else "",
    }
