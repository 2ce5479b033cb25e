"""A file of a data set on this machine: fetched once, and gone on with where it was cut off.

`hf_hub_download` throws away what it has of a file when it is stopped (1.33: its temporary file is
each call's own), which of a file of gigabytes is much. So files go to a folder of ours in the
hub's cache for such (HF_HOME/assets/r1-recipe); what the hub's own cache has is taken from there.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
from collections.abc import Iterator
from pathlib import Path

import httpx
from huggingface_hub import get_session, hf_hub_url, try_to_load_from_cache
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status  # type: ignore[attr-defined]

from pipeline.context import moved
from stages.hub.listing import HubFile, Listing
from stages.hub.patience import CutShort, patiently
from stages.hub.reasons import told
from stages.settings.hub import Hub

PART = ".part"


def fetch(listing: Listing, path: str, hub: Hub, key: str) -> Path:
    """Where a file of the data set lies; it is fetched unless it is here. key: for messages.

    Raises HubError, with the reason and what to do.
    """
    cached = try_to_load_from_cache(
        listing.name, path, revision=listing.commit, repo_type="dataset"
    )
    if isinstance(cached, str):
        return Path(cached)
    target = listing.folder / path
    if not target.is_file():
        file = listing.files[path]
        with told(key, listing.name, listing.commit, target, file.size):
            target.parent.mkdir(parents=True, exist_ok=True)
            with _alone(target) as part:
                if not target.is_file():
                    patiently(
                        lambda: _go_on(listing, file, part, hub), hub, f"{listing.at()}/{path}"
                    )
                    part.rename(target)
    return target


def _go_on(listing: Listing, file: HubFile, part: Path, hub: Hub) -> None:
    """Fetch what is still missing of a file, and compare it with what the hub says of it."""
    with part.open("ab") as output:
        if output.tell() > file.size:
            output.truncate(0)
        if output.tell() < file.size:
            for chunk in _chunks(listing, file, output.tell(), hub):
                if chunk is None:  # the server sends all of it again
                    output.truncate(0)
                else:
                    output.write(chunk)
                    moved()
    if (size := part.stat().st_size) != file.size:
        raise CutShort(f"{size:,} of {file.size:,} bytes came")
    if file.sha256 and _sha256(part) != file.sha256:
        part.unlink()
        raise CutShort("it came with another checksum than the hub tells")


def _chunks(listing: Listing, file: HubFile, start: int, hub: Hub) -> Iterator[bytes | None]:
    url = hf_hub_url(listing.name, file.path, repo_type="dataset", revision=listing.commit)
    headers = build_hf_headers() | {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    timeout = httpx.Timeout(hub.timeout)
    with get_session().stream("GET", url, headers=headers, timeout=timeout) as response:
        hf_raise_for_status(response)
        if start and response.status_code != httpx.codes.PARTIAL_CONTENT:
            yield None
        yield from response.iter_bytes()  # as they come: a chunk that must be full is lost when cut


@contextlib.contextmanager
def _alone(target: Path) -> Iterator[Path]:
    """The part of a file, for one process at a time; others wait until it is whole."""
    part = target.with_name(target.name + PART)
    with part.with_name(part.name + ".lock").open("w") as lock:
        with contextlib.suppress(OSError):  # a disk without locks: checksums find a mixture
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield part
    Path(lock.name).unlink(missing_ok=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
