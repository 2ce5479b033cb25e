"""By which code and on what machine the stages of a report were made, and that it was not one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

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
