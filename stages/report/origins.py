"""On which problems a report was made, by which code and on what machine, and where not on one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.artifact import Artifact
from stages.report.evidence import by_model
from stages.tiny.splits import CLAIMS, SETTLING

WORTH = {  # of a split of the tiny world
    CLAIMS: "no preset was settled on them",
    SETTLING: "presets are settled on them, so a verdict here proves nothing",
}

Manifest = Mapping[str, Any]


def machine(manifest: Manifest) -> str:
    """The processor, its cores and the accelerator; empty where the manifest does not say."""
    host = manifest.get("host") or {}
    if not host:
        return ""
    device = host.get("device", "cpu")
    gpu = "" if device == "cpu" else f", {device}"
    return f"{host.get('cpu', 'unknown CPU')}, {host.get('cores', '?')} cores{gpu}"


def commit(manifest: Manifest) -> str:
    """The commit of the code; it ends in + with changes that were not committed."""
    code = manifest.get("code") or {}
    return str(code.get("commit") or "")


def short(commit: str) -> str:
    """A commit as git shortens it, with the + of changes that were not committed."""
    return commit[:10] + ("+" if commit.endswith("+") and len(commit) > 10 else "")


def mixed(manifests: Iterable[Manifest]) -> list[str]:
    """That stages were made by different code or on different machines, where they were."""
    read = list(manifests)
    commits = sorted({commit(one) for one in read} - {""})
    machines = sorted({machine(one) for one in read} - {""})
    notes = []
    if len(commits) > 1:
        notes.append(f"Stages were made by different commits of the code: {', '.join(commits)}.")
    if len(machines) > 1:
        named = "; ".join(machines)
        notes.append(f"Stages ran on different machines, which may round otherwise: {named}.")
    return notes


def asked(artifacts: Mapping[str, Artifact]) -> list[str]:
    """What the evaluations that are shown asked: which problems, how many, of which split."""
    names = {
        edge["stage"]: None
        for artifact in by_model(artifacts).values()
        for edge in artifact.manifest["inputs"]
        if edge["edge"] == "data_from"
    }
    return [_named(name, artifacts[name].facts) for name in names if name in artifacts]


def _named(name: str, facts: Mapping[str, Any]) -> str:
    split, rows = facts.get("split"), facts.get("rows")
    many = f"{rows:,} problems" if rows else "problems"
    if split is None:
        return f"{name} ({many})"
    worth = f"; {WORTH[split]}" if split in WORTH else ""
    return f"{name} ({many}, split {split}{worth})"
