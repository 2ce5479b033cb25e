"""What is wrong with nodes that were looked at, and what to do: a function of their reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pipeline.launchers.probe.asking import Report
from pipeline.launchers.probe.examined import Party
from pipeline.launchers.probe.node import FAILED, PRINTED

APART = 10.0  # seconds between two clocks, above which it is said
SLOW = 30.0  # seconds that a file takes there and back: half of what stages wait for a result
LEAST_FREE = 2**30  # bytes


@dataclass(frozen=True)
class Finding:
    """Something about a cluster. wrong: stages would fail; else it is only said.

    where: the node, the party or the stage.
    """

    where: str
    text: str
    wrong: bool = True


def findings(
    party: Party, reports: Mapping[int, Report], printed: str, versions: Mapping[str, str]
) -> Iterator[Finding]:
    """Of one party, all of whose nodes have ended. versions: those of the login node."""
    for report in reports.values():
        for text in _of_node(report, versions, party):
            yield Finding(report["name"], text)
        for text in _of_network(report):
            yield Finding(report["name"], text, wrong=party.gangs)
        for text in _said_of(report):
            yield Finding(report["name"], text, wrong=False)
    for line in dict.fromkeys(line for line in printed.splitlines() if line.startswith(FAILED)):
        yield Finding(
            party.where,
            f"{line}. See launcher.modules, launcher.setup and launcher.environment_file",
        )
    if len(reports) < party.nodes:
        said = f"{len(reports)} of {party.nodes} nodes began" if reports else "no node began"
        yield Finding(
            party.where,
            f"{said}. {_last_line(printed)}. If the store or the folder of this command is not "
            "seen there, put both on a disk that all nodes see under the same path (paths.store); "
            "if it is Python, set launcher.python",
        )


def _of_node(report: Report, versions: Mapping[str, str], party: Party) -> Iterator[str]:
    if "broken" in report:
        yield (
            f"its Python ({report['executable']} {report['python']}) lacks what stages need: "
            f"{report['broken']}. Put the environment on a disk that all nodes see, or set "
            "launcher.python (or launcher.modules, launcher.setup)"
        )
    elif differ := _differ(report["versions"], versions):
        yield (
            f"has other versions than this machine: {differ}. Put the environment on a disk that "
            "all nodes see, or set launcher.python"
        )
    yield from _of_store(report)
    gpus = report["gpus"]
    if isinstance(gpus, str):
        yield (
            f"nvidia-smi fails: {gpus}. Leave the node out (launcher.job.exclude), and tell its "
            "administrators"
        )
    elif len(gpus) < party.gpus:
        yield (
            f"{party.gpus} GPU was asked for and none is seen (no nvidia-smi, or it shows none). "
            "With a container see launcher.container (--nv), else launcher.modules"
        )
    yield from _of_torch(report)


def _of_store(report: Report) -> Iterator[str]:
    shared = "a disk that all nodes see under the same path"
    if "seen" not in report:
        yield f"does not see the store: paths.store must be on {shared}"
        return
    for key, seen in report["seen"].items():
        if not seen:
            yield f"does not see {key}: it must be on {shared}"
    if "writes" in report:
        yield f"cannot write to the store: {report['writes']} (paths.store)"
    if "unanswered" in report:
        yield (
            "what it writes to the store is not seen here within a minute, or not the other way "
            f"round: paths.store must be on {shared}"
        )
    if report["free_bytes"] < LEAST_FREE:
        yield f"the store has {_gib(report['free_bytes'])} free: make room, or set paths.store"


def _of_torch(report: Report) -> Iterator[str]:
    reach = report.get("reach", {})
    if _has_gpus(report) and reach.get("torch_gpus") == 0:
        yield (
            f"torch {reach['torch']} sees none of its GPUs: install the build for CUDA "
            "(make setup DEVICE=cuda), or ask for a newer driver"
        )
    if "error" in reach and "torch" not in reach:
        yield f"torch cannot be tried: {reach['error']}. See launcher.python"


def _of_network(report: Report) -> Iterator[str]:
    """Why ranks of a gang would not meet."""
    reach = report.get("reach", {})
    if report.get("tcp"):
        yield (
            f"cannot reach the first node: {report['tcp']}. Nodes must know each other by host "
            "name and let each other's ports through; until then gangs are for one node (nodes: 1)"
        )
    elif "error" in reach and "torch" in reach:
        kind = "NCCL" if "gloo" in reach else "gloo"
        yield (
            f"{kind}: {reach['error']}. Name the network that nodes share in launcher.setup: "
            f"export {kind.upper()}_SOCKET_IFNAME=… (`ip -br address` lists them)"
        )


def _said_of(report: Report) -> Iterator[str]:
    if report.get("there_and_back", 0.0) > SLOW:
        yield (
            f"a file takes {report['there_and_back']:.0f} s there and back: what ends a stage is "
            "seen as late. Mount the disk with a shorter actimeo"
        )
    if (skew := skew_of(report)) and abs(skew[0]) - skew[1] > APART:
        yield (
            f"its clock is {abs(skew[0]):.0f} s {'ahead' if skew[0] > 0 else 'behind'}: no stage "
            "minds, but logs, certificates and Slurm do. It wants NTP"
        )


def skew_of(report: Report) -> tuple[float, float] | None:
    """By how many seconds a node's clock is ahead of this machine's, ± how many."""
    if "skew" not in report:
        return None
    low, high = report["skew"]
    return (low + high) / 2, abs(high - low) / 2


def _differ(there: Mapping[str, str], here: Mapping[str, str]) -> str:
    names = [name for name in sorted({*there, *here}) if there.get(name) != here.get(name)]
    return ", ".join(
        f"{name} {there.get(name, 'none')} (here {here.get(name, 'none')})" for name in names
    )


def _has_gpus(report: Report) -> bool:
    return isinstance(report["gpus"], list) and bool(report["gpus"])


def _last_line(printed: str) -> str:
    lines = [line for line in printed.splitlines() if line.strip() and PRINTED not in line]
    return lines[-1].strip().rstrip(".") if lines else "It printed nothing"


def _gib(size: float) -> str:
    return f"{size / 2**30:.1f} GiB"
