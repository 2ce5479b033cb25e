"""Small state files: what is torn or foreign counts as absent."""

import errno
import fcntl
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline import state


@dataclass(frozen=True)
class Beat:
    at: float
    by: str


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    state.write(tmp_path / "new" / "beat.json", Beat(1.5, "me"))
    assert state.read(tmp_path / "new" / "beat.json", Beat) == Beat(1.5, "me")
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["beat.json"]


@pytest.mark.parametrize(
    "content",
    [b"", b"null", b"[]", b"7", b'{"at": 1', b'{"at": "1", "by": "me"}', b'{"at": 1}', b"\xff\xfe",
     b'{"at": 1, "by": "me"} {}', b"[" * 100_000, b'{"at": ' + b"1" * 5_000],
)  # fmt: skip
def test_a_torn_or_foreign_file_counts_as_absent(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "beat.json"
    path.write_bytes(content)
    assert state.read(path, Beat) is None


def test_a_folder_or_a_link_to_itself_counts_as_absent(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert state.read(tmp_path, Beat) is None
    assert state.read(tmp_path / "loop", Beat) is None


def test_a_folder_or_a_link_to_itself_makes_room_for_what_is_written(tmp_path: Path) -> None:
    (tmp_path / "folder" / "kept").mkdir(parents=True)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name in ("folder", "loop"):
        state.write(tmp_path / name, Beat(1.5, "me"))
        assert state.read(tmp_path / name, Beat) == Beat(1.5, "me")
    [stray] = tmp_path.glob("folder.*.stray")
    assert (stray / "kept").exists()


def test_what_a_kill_left_beside_a_file_goes_with_the_next_write(tmp_path: Path) -> None:
    left = tmp_path / f"beat.json.{os.uname().nodename}.tmp"
    left.write_text('{"at": 1.5, "by": "one that was killed"' * 9)
    state.write(tmp_path / "beat.json", Beat(2.5, "me"))
    assert state.read(tmp_path / "beat.json", Beat) == Beat(2.5, "me")
    assert [p.name for p in tmp_path.iterdir()] == ["beat.json"]


def test_two_that_write_at_once_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "beat.json"

    def write(by: int) -> None:
        for _ in range(100):
            state.write(path, Beat(by, f"{by}" * 1000))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    found = state.read(path, Beat)
    assert found is not None
    assert found.by == f"{found.at:.0f}" * 1000
    assert [p.name for p in tmp_path.iterdir()] == ["beat.json"]


def test_nothing_is_left_beside_a_file_on_a_disk_without_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refused)
    state.write(tmp_path / "beat.json", Beat(1.5, "me"))
    assert [p.name for p in tmp_path.iterdir()] == ["beat.json"]


def test_text_that_has_no_utf8_is_written_as_far_as_it_goes(tmp_path: Path) -> None:
    state.write(tmp_path / "beat.json", Beat(1.5, "half a pair: \ud83d"))
    assert state.read(tmp_path / "beat.json", Beat) == Beat(1.5, "half a pair: ?")


def test_it_is_said_once_and_an_absent_file_is_not_mentioned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "beat.json"
    assert state.read(path, Beat) is None
    assert capsys.readouterr().err == ""
    path.write_text("null")
    assert state.read(path, Beat) is None
    assert state.read(path, Beat) is None
    assert capsys.readouterr().err.count(str(path)) == 1
