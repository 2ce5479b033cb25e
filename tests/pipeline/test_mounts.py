"""Network disks are told from a machine's own, by lines as /proc/mounts has them."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from pipeline.mounts import network_of

MOUNTS = """\
/dev/nvme0n1p2 / ext4 rw,relatime,errors=remount-ro 0 0
tmpfs /dev/shm tmpfs rw,nosuid,nodev 0 0
overlay /var/lib/docker/overlay2/1f/merged overlay rw,relatime,lowerdir=/l 0 0
rpool/data:1 /data zfs rw,xattr,posixacl 0 0
/dev/sdb1 /win fuseblk rw,user_id=0,group_id=0 0 0
/etc/auto.home /home autofs rw,relatime,fd=7,pgrp=1,timeout=300,indirect 0 0
nas01:/export/home/ada /home/ada nfs4 rw,relatime,vers=4.2,proto=tcp,local_lock=none 0 0
/dev/sdc1 /home/ada/fast xfs rw,relatime 0 0
10.10.0.4@o2ib:10.10.0.5@o2ib:/lfs1 /lustre/lfs1 lustre rw,flock,user_xattr 0 0
gpfs0 /gpfs/gpfs0 gpfs rw,relatime 0 0
beegfs_nodev /mnt/beegfs beegfs rw,relatime,cfgFile=/etc/beegfs/beegfs-client.conf 0 0
//filer/users$ /mnt/my\\040share cifs rw,relatime,vers=3.1.1 0 0
10.1.0.1:6789,10.1.0.2:6789:/ /ceph ceph rw,relatime,name=admin,acl 0 0
ada@login:/scratch /mnt/sshfs fuse.sshfs rw,nosuid,nodev,user_id=1000 0 0
gluster1:/vol0 /gluster fuse.glusterfs rw,relatime 0 0
host0 /mnt/9p 9p rw,relatime,trans=virtio 0 0
https://dav.example.org/files /dav fuse rw,nosuid,nodev 0 0
/dev/sdd1 /over ext4 rw,relatime 0 0
fs-1.efs.eu-west-1.amazonaws.com:/ /over nfs4 rw,relatime,vers=4.1 0 0
"""


@pytest.mark.parametrize(
    ("folder", "network"),
    [
        ("/srv/r1", None),
        ("/dev/shm/r1", None),
        ("/var/lib/docker/overlay2/1f/merged/r1", None),
        ("/data/r1", None),
        ("/win/r1", None),
        ("/home/bob/r1", None),
        ("/home/ada/r1/not/there/yet", "nfs4"),
        ("/home/ada/fast/r1", None),
        ("/lustre/lfs1", "lustre"),
        ("/lustre/lfs10/r1", None),
        ("/gpfs/gpfs0/r1", "gpfs"),
        ("/mnt/beegfs/r1", "beegfs"),
        ("/mnt/my share/r1", "cifs"),
        ("/ceph/r1", "ceph"),
        ("/mnt/sshfs/r1", "fuse.sshfs"),
        ("/gluster/r1", "fuse.glusterfs"),
        ("/mnt/9p/r1", "9p"),
        ("/dav/r1", "fuse"),
        ("/over/r1", "nfs4"),
    ],
)
def test_the_nearest_disk_that_was_mounted_last_tells_whether_it_is_a_network_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, network: str | None
) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "mounts").write_text(MOUNTS)
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))
    assert network_of(Path(folder)) == network
