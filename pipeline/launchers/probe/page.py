"""What `r1 doctor --cluster` shows, as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipeline.launchers.probe.asking import Report
from pipeline.launchers.probe.examined import Asked, Offer
from pipeline.launchers.probe.findings import Finding, skew_of
from pipeline.stage_rows import filled

SHOWN = 4  # names of stages that ask for the same
_NONE = "–"


def say(text: str) -> None:
    """Print it at once, since a probe may wait for long."""
    print(text, flush=True)


def offers(found: Sequence[Offer]) -> str:
    """What there is."""
    head = ("where", "nodes", "state", "GPUs a node", "CPUs", "memory", "time limit", "more")
    return _table(
        head,
        [
            (
                *(one.name, str(one.nodes), one.state, str(one.gpus), str(one.cpus)),
                *(f"{one.memory / 1024:.1f} GiB", one.time or _NONE, one.others),
            )
            for one in found
        ],
    )


def asked(found: Sequence[Asked]) -> str:
    """What stages would ask; those that ask for the same in one line."""
    head = ("stages", "where", "nodes", "GPUs", "CPUs", "memory", "time", "", "would start")
    rows: dict[tuple[str, ...], list[str]] = {}
    for one in found:
        amounts = (str(one.nodes), str(one.gpus), str(one.cpus)) if one.nodes else (_NONE,) * 3
        fits = "does not fit" if one.refused else "fits"
        row = (one.where, *amounts, one.memory or _NONE, one.time or _NONE, fits, one.starts)
        rows.setdefault(row, []).append(one.stage)
    return "\n" + _table(head, [(names(stages), *row) for row, stages in rows.items()])


def nodes(reports: Sequence[Report]) -> str:
    """What each node has seen."""
    head = (
        *("node", "host", "Python", "GPUs", "CPUs", "memory", "free in store"),
        *("a file there and back", "clock", "flock", "gloo", "NCCL"),
    )
    return _table(head, [_node(report) for report in reports])


def _node(report: Report) -> tuple[str, ...]:
    gpus, skew, reach = report["gpus"], skew_of(report), report.get("reach", {})
    alone = report["of"] == 1
    return (
        *(report["name"], report["host"], report["python"]),
        "nvidia-smi fails" if isinstance(gpus, str) else "; ".join(gpus) or _NONE,
        str(report["cpus"]),
        f"{report['memory_mib'] / 1024:.1f} GiB",
        f"{report['free_bytes'] / 2**30:.1f} GiB" if "free_bytes" in report else _NONE,
        f"{report['there_and_back']:.2f} s" if "there_and_back" in report else "no",
        f"{skew[0]:+.2f} ± {skew[1]:.2f} s" if skew else _NONE,
        report.get("lock", _NONE),
        "not tried: one node" if alone else _rate(reach, "gloo", "no"),
        "not tried: no GPU" if not gpus else "not tried: one node" if alone else
        _rate(reach, "nccl", "no"),
    )  # fmt: skip


def _rate(reach: Report, backend: str, otherwise: str) -> str:
    return f"{reach[backend]:g} GB/s" if backend in reach else otherwise


def found(all_: Sequence[Finding]) -> str:
    """What is wrong and what to do, worst first."""
    lines = [
        line
        for word, wrong in (("wrong: ", True), ("note: ", False))
        for one in all_
        if one.wrong is wrong
        for line in filled([f"{one.where}: {one.text}"], "", word)
    ]
    if not any(one.wrong for one in all_):
        lines.append("nothing is wrong: stages can be queued")
    return "\n" + "\n".join(lines)


def names(stages: Sequence[str]) -> str:
    """Stages by name, the first of many."""
    more = f" and {len(stages) - SHOWN} more" if len(stages) > SHOWN else ""
    return ", ".join(stages[:SHOWN]) + more


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns side by side; one in which nothing stands is left out."""
    lines = [head, *rows]
    widths = [max(len(row[place]) for row in lines) for place in range(len(head))]
    kept = [n for n in range(len(head)) if any(row[n] for row in lines[1:])]
    return "\n".join("  ".join(row[n].ljust(widths[n]) for n in kept).rstrip() for row in lines)
