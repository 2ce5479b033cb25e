"""Whether a folder is on a disk of this machine, or on one that other machines have, too."""

from __future__ import annotations

import re
from pathlib import Path

#: Types of file systems that come over a network, by the names of /proc/mounts and of macOS.
_NETWORK = re.compile(
    r"nfs4?|lustre|gpfs|beegfs|fhgfs|cifs|smb3|smbfs|afpfs|webdav|ceph|9p|afs|panfs|wekafs|pvfs2|"
    r"orangefs|(fuse\.)?(sshfs|ceph-fuse|glusterfs|juicefs|daos|dfuse|s3fs|gcsfuse|rclone|goofys|"
    r"blobfuse2?|alluxio-fuse|seaweedfs|quobyte|moosefs|mfs)"
)
#: What they call their source: `//server/share`, `server:/export`, `me@server:`, `https://server`.
_ELSEWHERE = re.compile(r"//.*|.*:(/.*)?")


def network_of(folder: Path) -> str | None:
    """The type of the network file system that a folder is on, or will be; None: it is on none."""
    import psutil

    where = folder.resolve()
    above = [
        disk
        for disk in psutil.disk_partitions(all=True)
        if disk.mountpoint and where.is_relative_to(disk.mountpoint)
    ]
    if not above:
        return None
    # of two that are mounted on one folder the later one hides the other
    nearest = max(reversed(above), key=lambda disk: len(Path(disk.mountpoint).parts))
    network = _NETWORK.fullmatch(nearest.fstype) or _ELSEWHERE.fullmatch(nearest.device)
    return nearest.fstype if network else None
