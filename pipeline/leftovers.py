"""`r1 gc`: what lies in the store and is no result of this recipe, with its size.

Without more words only what is nobody's result: corrupt artifacts, adoptions that were cut, work of
results that are there by now, and samples beside results that are gone. With `--others` also what
other settings and seeds made: their results, and the checkpoints that they would go on from; with
`--delete`, what was composed before, which takes seconds to make anew, goes without being listed.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline import compositions, detached, lease, machine
from pipeline.compose import Composed
from pipeline.errors import RecipeError, UsageError
from pipeline.launchers.jobs import jobs
from pipeline.lease import Holder, briefly
from pipeline.project import Project
from pipeline.seeds import plain
from pipeline.situation import Situation, survey
from pipeline.store import Store

_MIB = 2**20
_CORRUPT = ".corrupt"
_LOOK = 1.0  # seconds between looks at who may be gone


@dataclass(frozen=True)
class Leftover:
    """A folder that may go. `lease`: who runs the stage that it belongs to, if it has one."""

    path: Path
    what: str
    lease: Path | None = None


def gc(project: Project, composed: Composed, *, delete: bool, others: bool, asked: bool) -> int:
    """List what can go, or delete it; `asked`: the user has agreed already."""
    situation = survey(project, composed)
    found, foreign = list(_nobodys(situation)), list(_others(situation))
    if others:
        found += foreign
    total = sum(map(_listed, found))
    print(_counted(found, total))
    if foreign and not others:
        size = sum(_bytes(leftover.path) for leftover in foreign)
        print(f"kept: {_counted(foreign, size)}, of other settings or seeds (see --others)")
    if not delete:
        if found:
            print("nothing was deleted: `--delete` deletes what is listed")
        return 0
    if others:
        _require_idle(situation)
        compositions.forget()
    if not found or not (asked or _agreed(_counted(found, total))):
        print("nothing was deleted")
        return 0
    if others:
        _require_idle(situation)  # the user may have thought for a while
    return _delete(found, situation.store.root / _CORRUPT)


def _nobodys(situation: Situation) -> Iterator[Leftover]:
    """What no settings would use again."""
    store = situation.store
    for path in sorted((store.root / _CORRUPT).glob("*")):
        yield Leftover(path, "corrupt")
    for path in sorted((store.root / ".work").glob("adopt-*")):
        if lease.holder(own := store.adopting(path)) is None:
            yield Leftover(path, "an adoption that was cut", own)
    beside = sorted(store.shared.glob("*"))  # before what is made, which may grow meanwhile
    made = {fingerprint for _, fingerprint, _ in store.artifacts()}
    for leftover in _work(store):
        if leftover.path.name in made:
            yield leftover
    known = made | {wanted.fingerprint for wanted in situation.wanted.values()}
    for path in beside:
        if path.name not in known:
            yield Leftover(path, "samples of a model that is gone")


def _others(situation: Situation) -> Iterator[Leftover]:
    """What only other settings reach: results with what lies beside them, and work."""
    store = situation.store
    wanted = {(plain(name), wanted.fingerprint) for name, wanted in situation.wanted.items()}
    reached = {fingerprint for _, fingerprint in wanted}
    made = set()
    for stage, fingerprint, path in store.artifacts():
        made.add(fingerprint)
        if (stage, fingerprint) not in wanted:
            yield Leftover(path, "a result of other settings")
    for path in sorted(store.shared.glob("*")):
        if path.name in made - reached:
            yield Leftover(path, "samples of a model of other settings")
    for leftover in _work(store):
        place = leftover.path.parent.name, leftover.path.name
        if place not in wanted and leftover.path.name not in made:
            yield leftover


def _work(store: Store) -> Iterator[Leftover]:
    """The work folders that nobody is at."""
    for path in sorted((store.root / ".work").glob("*/*")):
        if path.parent.name.startswith("adopt-"):
            continue
        own = store.lease(path.parent.name, path.name)
        if lease.holder(own) is None:
            yield Leftover(path, "an attempt that was cut", own)


def _require_idle(situation: Situation) -> None:
    """What runs now may need a result of other settings: at once, or for a stage that follows.

    Who has the name of another machine is watched until its heart must have beaten.
    """
    watched_until = time.monotonic() + lease.EXPIRES + _LOOK
    while busy := list(_busy(situation)):
        here = [words for holder, words in busy if holder.machine == machine.name()]
        if here or time.monotonic() > watched_until:
            raise UsageError(
                f"gc --delete --others: {next(iter(here), busy[0][1])}, and may need what is "
                "listed. Wait until it has ended."
            )
        time.sleep(_LOOK)
    for job in jobs(situation.store.root):
        if job.alive:
            raise UsageError(
                f"gc --delete --others: {job.words()} is to run {job.stage}, and may need what is "
                "listed. Wait until it has ended, or `r1 cancel`."
            )


def _busy(situation: Situation) -> Iterator[tuple[Holder, str]]:
    """Who has a stage of this store in hand, or a run beside it, with words for it."""
    leases = (situation.store.root / ".leases").glob("*.json")
    held = [(path, path.stem) for path in sorted(leases)]
    held += [(path, path.parent.name) for path in detached.runners(situation.paths.runs)]
    for path, what in held:
        if (holder := lease.holder(path)) is not None:
            yield holder, f"{holder} runs {what}"


def _counted(found: Sequence[Leftover], size: int) -> str:
    return f"{len(found)} folder{'' if len(found) == 1 else 's'}, {size / _MIB:.1f} MiB"


def _agreed(what: str) -> bool:
    """Ask. Raises UsageError where nobody can answer."""
    if not sys.stdin.isatty():
        raise UsageError(
            "gc --delete asks before it deletes, and there is no terminal to ask at: add `--yes`."
        )
    try:
        return input(f"Delete these {what}? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _delete(found: list[Leftover], aside: Path) -> int:
    """Delete what is still nobody's; what cannot be deleted is named, and the rest goes on.

    aside: where folders are while they are deleted.
    """
    freed, failed = 0, []
    for leftover in found:
        size = _bytes(leftover.path)
        try:
            if _removed(leftover, aside):
                freed += size
        except OSError as error:
            failed.append(f"{leftover.path}: {error.strerror}")
    print(f"deleted: {freed / _MIB:.1f} MiB")
    if failed:
        raise RecipeError("some could not be deleted:\n  " + "\n  ".join(failed))
    return 0


def _removed(leftover: Leftover, aside: Path) -> bool:
    """Remove one, unless somebody took it since it was listed."""
    if leftover.lease is None:
        _remove(leftover.path, aside)
        return True
    with briefly(leftover.lease) as holder:
        if holder is None:
            _remove(leftover.path, aside)
        return holder is None


def _remove(path: Path, aside: Path) -> None:
    """A folder is moved first: a result that is half gone would be found corrupt."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    if path.parent != aside:
        aside.mkdir(exist_ok=True)
        path = path.rename(aside / f"deleted-{path.parent.name}-{path.name}-{time.time_ns()}")
    shutil.rmtree(path)


def _listed(leftover: Leftover) -> int:
    size = _bytes(leftover.path)
    print(f"{size / _MIB:10.1f} MiB  {leftover.path}  ({leftover.what})")
    return size


def _bytes(path: Path) -> int:
    """What a folder or file takes, links not followed; what vanishes meanwhile counts nothing."""
    total = 0
    for file in (path, *path.rglob("*")):
        with contextlib.suppress(OSError):
            if not file.is_dir() or file.is_symlink():
                total += file.lstat().st_size
    return total
