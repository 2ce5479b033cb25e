"""The report's tables, as Markdown; a cell that was not measured is an en dash."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.artifact import Artifact
from stages.report.evidence import seconds
from stages.report.names import (
    ACCURACY,
    COUNTS,
    GENERAL,
    GENERAL_ROWS,
    GROUPS,
    HEADLINE,
    LANGUAGES,
    REASONING,
    ROWS,
    SCORES,
)
from stages.report.over_seeds import Estimates

NONE = "–"
BEST_OF = re.compile(rf"({'|'.join(GROUPS)})/best_of_\d+_\w+")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are aligned right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *rows))


def number(value: float | None, metric: str = "share") -> str:
    """A share in per cent, a count or a score as it is."""
    if value is None:
        return NONE
    if metric in SCORES:
        return f"{value:.2f}"
    if metric in COUNTS:
        return f"{value:.1f}" if abs(value) < 100 else f"{value:.0f}"
    return f"{100 * value:.1f}"


def cell(estimates: Estimates, key: str) -> str:
    """`62.1 [58.9, 65.0]`"""
    entry = estimates.get(key)
    if not entry or entry["value"] is None:
        return NONE
    metric = key.rpartition("/")[2]
    text = number(entry["value"], metric)
    if entry["low"] is None or entry["high"] is None:
        return text
    return f"{text} [{number(entry['low'], metric)}, {number(entry['high'], metric)}]"


def evaluations(stages: Sequence[str], all_estimates: Mapping[str, Estimates]) -> str:
    """The paper's shape: a column per stage, a row per benchmark (here: domain) and metric."""
    present = [all_estimates[stage] for stage in stages if stage in all_estimates]
    rows = [
        [title, *(cell(all_estimates.get(stage, {}), key) for stage in stages)]
        for key, title in _row_titles(present)
    ]
    return table(["per cent", *stages], rows)


def _row_titles(present: Sequence[Estimates]) -> list[tuple[str, str]]:
    keys = dict.fromkeys(key for estimates in present for key in estimates)
    slices = [key.rpartition("/")[0] for key in keys if key.endswith(f"/{ACCURACY}")]
    domains = [s for s in slices if s not in (*GROUPS, *LANGUAGES)]
    titles = [(HEADLINE, "**reasoning, pass@1**")]
    titles += [(f"{domain}/{ACCURACY}", f"— {domain}") for domain in domains]
    titles += [(f"{GENERAL}/{ACCURACY}", "**general, pass@1**"), (ACCURACY, "**all, pass@1**")]
    titles += [(f"{s}/{ACCURACY}", f"— {LANGUAGES[s]}") for s in slices if s in LANGUAGES]
    wide = [key for key in keys if key.startswith(f"{REASONING}/pass_at_") and key != HEADLINE]
    titles += [(key, f"reasoning, pass@{key.rpartition('_')[2]}") for key in wide]
    titles += [(f"{REASONING}/{metric}", f"reasoning, {title}") for metric, title in ROWS.items()]
    titles += [(key, _best_of(key)) for key in keys if BEST_OF.fullmatch(key)]
    titles += [
        (f"{GENERAL}/{metric}", f"general, {title}") for metric, title in GENERAL_ROWS.items()
    ]
    return [(key, title) for key, title in titles if key in keys]


def differences(found: Iterable[Mapping[str, Any]]) -> str:
    """Stages against the stage before them; empty where nothing could be compared."""
    rows = [
        [
            f"{d['stage']} − {d['against']}, {d['group']}",
            points(d),
            f"{d['higher']} / {d['lower']}",
            str(d["n"]),
        ]
        for d in found
        if d["difference"] is not None
    ]
    head = ["pass@1, in points", "difference [95 %]", "problems better / worse", "problems"]
    return table(head, rows) if rows else ""


def votes(found: Iterable[Mapping[str, Any]], stages: Iterable[str]) -> str:
    """What the majority gains over one sample of these stages, on the same problems."""
    by_stage = {vote["stage"]: vote for vote in found}
    rows = [
        [
            stage,
            points(by_stage[stage]),
            f"{by_stage[stage]['higher']} / {by_stage[stage]['lower']}",
            str(by_stage[stage]["n"]),
        ]
        for stage in stages
        if stage in by_stage
    ]
    head = ["cons@k − pass@1, in points", "difference [95 %]", "problems better / worse"]
    return table([*head, "problems"], rows) if rows else ""


def points(found: Mapping[str, Any]) -> str:
    """A difference of shares with its interval: `+7.1 [+3.0, +11.2]`"""
    sides = f"[{100 * found['low']:+.1f}, {100 * found['high']:+.1f}]"
    return f"{100 * found['difference']:+.1f} {sides}"


def _best_of(key: str) -> str:
    """`general/best_of_8_helpful`: reward models judge general tasks too."""
    group, _, metric = key.rpartition("/")
    _, _, k, term = metric.split("_", 3)
    return f"{group}, best of {k} by the {term} reward"


def paper(config: Mapping[str, Any]) -> str:
    """The paper's own table, to hold beside ours."""
    rows = [
        [name, *(f"{value:g}" for value in row["values"]), row["stands_for"] or NONE]
        for name, row in config["rows"].items()
    ]
    return table(["the paper", *config["stages"], "held against"], rows)


def time_spent(artifacts: Mapping[str, Artifact]) -> str:
    """Seconds per stage, the longest first: where to look next."""
    ordered = sorted(artifacts.items(), key=lambda item: -seconds(item[1]))
    total = sum(seconds(artifact) for artifact in artifacts.values()) or 1.0
    rows = [
        [
            name,
            str(artifact.manifest["kind"]),
            duration(seconds(artifact)),
            f"{100 * seconds(artifact) / total:.0f} %",
            memory(artifact),
            str(_attempts(artifact)),
        ]
        for name, artifact in ordered
    ]
    return table(["stage", "kind", "time", "share", "peak memory", "attempts"], rows)


def duration(value: float) -> str:
    """`12 min 30 s`"""
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{value:.1f} s"


def memory(artifact: Artifact) -> str:
    """The peak of a stage's processes."""
    peak = artifact.manifest.get("host", {}).get("peak_memory_mib")
    return f"{peak / 1024:.1f} GiB" if peak else NONE


def _attempts(artifact: Artifact) -> int:
    attempts = artifact.manifest.get("attempts", 1)
    return len(attempts) if isinstance(attempts, list) else int(attempts)


def funnels(artifacts: Mapping[str, Artifact]) -> str:
    """What each data stage kept and dropped, in its own order and words."""
    rows = []
    for name, artifact in artifacts.items():
        funnel = artifact.manifest.get("funnel") or {}
        if funnel:
            words = ", ".join(f"{key} {count}" for key, count in funnel.items())
            rows.append([name, words])
    return table(["stage", "rows, by reason"], rows) if rows else ""
