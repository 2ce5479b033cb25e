"""The beginning of a file of a data set, without fetching all of it."""

from __future__ import annotations

from pathlib import PurePosixPath
from types import SimpleNamespace
from typing import IO, Any

from huggingface_hub import HfFileSystem

from stages.hub.listing import Listing

BLOCK = 2**20  # bytes that are fetched at a time


class RemoteFile(PurePosixPath):
    """A file on the hub for those who open a Path and read it from the front."""

    def open(self, mode: str = "rb") -> IO[bytes]:
        opened: IO[bytes] = HfFileSystem().open(str(self), mode, block_size=BLOCK)
        return opened

    def stat(self) -> Any:
        return SimpleNamespace(st_size=HfFileSystem().info(str(self))["size"])


def remote(listing: Listing, path: str) -> RemoteFile:
    return RemoteFile(f"datasets/{listing.name}@{listing.commit}/{path}")
