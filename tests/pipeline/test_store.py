"""Artifacts appear whole or not at all, and none is used that does not match its manifest."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.digests import Digests
from pipeline.errors import StageFailed
from pipeline.identity import digest_of
from pipeline.manifest import CorruptArtifact
from pipeline.store import Store

IDENTITY = {"kind": "toy", "version": 1, "config": {}, "inputs": [], "files": {}}
FINGERPRINT = digest_of(IDENTITY)


def manifest(**more: Any) -> dict[str, Any]:
    known = {"stage": "toy", "fingerprint": FINGERPRINT, "identity": IDENTITY, "type": "numbers"}
    return {**known, "facts": {"sum": 3}, "created": "2026-01-01", **more}


def publish(store: Store) -> Path:
    output = store.work("toy", FINGERPRINT) / "output"
    (output / "model").mkdir(parents=True)
    (output / "model" / "weights").write_bytes(b"w" * 100)
    (output / "rows").write_text("rows")
    return store.publish(output, manifest()).path


def test_a_published_artifact_is_found_with_its_facts_and_checksums(tmp_path: Path) -> None:
    path = publish(Store(tmp_path))
    found = Store(tmp_path).find("toy", FINGERPRINT)
    assert found is not None
    assert found.path == path == tmp_path / "toy" / FINGERPRINT
    assert found.facts == {"sum": 3}
    assert found.manifest["files"]["model/weights"]["bytes"] == 100
    assert Store(tmp_path).find("toy", "0" * 16) is None


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rows", b"rowz", "rows does not match its checksum"),
        ("rows", b"row", "rows has 3 bytes, its manifest says 4"),
        ("model/weights", None, "model/weights is gone"),
        ("manifest.json", None, "manifest.json is gone"),
        ("manifest.json", b"{", "manifest.json cannot be read"),
    ],
)
def test_a_corrupt_artifact_is_refused_by_name(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    path = publish(Store(tmp_path))
    (path / name).unlink() if content is None else (path / name).write_bytes(content)
    with pytest.raises(CorruptArtifact, match=message):
        Store(tmp_path).find("toy", FINGERPRINT)


def test_a_changed_fact_in_the_manifest_is_noticed(tmp_path: Path) -> None:
    file = publish(Store(tmp_path)) / "manifest.json"
    file.write_text(file.read_text().replace('"sum": 3', '"sum": 4'))
    with pytest.raises(CorruptArtifact, match="changed after it was published"):
        Store(tmp_path).find("toy", FINGERPRINT)


def test_a_corrupt_artifact_is_noticed_after_it_was_verified_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    path = publish(store)
    assert store.find("toy", FINGERPRINT)
    store.digests.save()
    (path / "rows").write_text("rowz")
    with pytest.raises(CorruptArtifact):
        Store(tmp_path).find("toy", FINGERPRINT)


def test_verified_files_are_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    publish(store)
    store.find("toy", FINGERPRINT)
    store.digests.save()

    def unexpected(path: Path) -> str:
        raise AssertionError(f"{path} was read again")

    monkeypatch.setattr("pipeline.digests.sha256_of", unexpected)
    assert Store(tmp_path).find("toy", FINGERPRINT)


def test_a_runner_reads_nothing_of_what_a_stage_on_another_machine_has_digested(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = Store(tmp_path)
    assert runner.find("toy", FINGERPRINT) is None
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_store as t\n"
        f"store = t.Store(t.Path({str(tmp_path)!r})); t.publish(store); store.save_caches()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)

    def unexpected(path: Path) -> str:
        raise AssertionError(f"{path} was read")

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.digests.sha256_of", unexpected)
        assert runner.find("toy", FINGERPRINT) is not None
    (tmp_path / "toy" / FINGERPRINT / "rows").write_text("rowz")
    with pytest.raises(CorruptArtifact, match="checksum"):
        runner.find("toy", FINGERPRINT)


CRASH = """
import os, sys
from pathlib import Path
sys.path.insert(0, {here!r})
import test_store
from pipeline.store import Store
os.fsync = lambda descriptor: os._exit(9)  # the machine dies while the files are flushed
test_store.publish(Store(Path({root!r})))
"""


def test_a_crash_while_publishing_leaves_no_artifact(tmp_path: Path) -> None:
    code = CRASH.format(here=str(Path(__file__).parent), root=str(tmp_path))
    died = subprocess.run([sys.executable, "-c", code], timeout=60)
    assert died.returncode == 9
    assert not (tmp_path / "toy").exists()
    assert Store(tmp_path).find("toy", FINGERPRINT) is None
    shutil.rmtree(tmp_path / ".work")
    assert publish(Store(tmp_path)).exists()


def test_the_first_of_two_publishers_wins(tmp_path: Path) -> None:
    first = publish(Store(tmp_path))
    made = (first / "rows").stat().st_ino
    assert publish(Store(tmp_path)) == first
    assert (first / "rows").stat().st_ino == made


def test_an_artifact_is_adopted_by_its_fingerprint_and_its_source_stays(tmp_path: Path) -> None:
    shipped = publish(Store(tmp_path / "shipped"))
    shipped.chmod(0o555)
    store = Store(tmp_path / "mine", adopt=[tmp_path / "absent", tmp_path / "shipped"])
    assert store.find("toy", FINGERPRINT) is None
    assert store.adoptable("toy", FINGERPRINT) == shipped
    adopted = store.adopt("toy", FINGERPRINT)
    assert adopted is not None
    assert adopted.path == tmp_path / "mine" / "toy" / FINGERPRINT
    assert (shipped / "rows").exists()
    assert store.ships(FINGERPRINT)
    assert not Store(tmp_path / "mine").ships(FINGERPRINT)


@pytest.mark.parametrize("where", ["shipped", "mine"])
def test_a_result_that_has_another_name_elsewhere_is_adopted_under_its_own(
    tmp_path: Path, where: str
) -> None:
    made = publish(Store(tmp_path / where))
    store = Store(tmp_path / "mine", adopt=[tmp_path / "shipped"])
    adopted = store.adopt("teacher", FINGERPRINT)
    assert adopted is not None
    assert adopted.stage == "teacher"
    assert adopted.path == tmp_path / "mine" / "teacher" / FINGERPRINT
    assert store.find("teacher", FINGERPRINT) is not None, "its checksums hold"
    assert json.loads((made / "manifest.json").read_text())["stage"] == "toy"


def test_a_corrupt_artifact_is_not_adopted(tmp_path: Path) -> None:
    shipped = publish(Store(tmp_path / "shipped"))
    (shipped / "rows").write_text("rowz")
    store = Store(tmp_path / "mine", adopt=[tmp_path / "shipped"])
    with pytest.raises(CorruptArtifact, match="rows does not match"):
        store.adopt("toy", FINGERPRINT)
    assert store.find("toy", FINGERPRINT) is None


def test_an_artifact_may_not_hold_symbolic_links(tmp_path: Path) -> None:
    output = tmp_path / "output"
    output.mkdir()
    (output / "model").symlink_to("/")
    with pytest.raises(StageFailed, match="symbolic link, model"):
        Store(tmp_path).publish(output, manifest())


def test_the_digest_of_a_folder_counts_names_and_contents(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "a").write_text("1")
    digests = Digests(tmp_path / "cache.json")
    before = digests.of_tree(folder)
    (folder / "a").rename(folder / "b")
    renamed = digests.of_tree(folder)
    (folder / "b").write_text("2")
    os.utime(folder / "b", (1, 1))
    assert len({before, renamed, digests.of_tree(folder)}) == 3


def test_a_damaged_cache_is_only_slower(tmp_path: Path) -> None:
    store = Store(tmp_path)
    publish(store)
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "digests.json").write_text("{")
    store = Store(tmp_path)
    assert store.find("toy", FINGERPRINT)
    store.digests.save()
    assert json.loads((tmp_path / ".cache" / "digests.json").read_text())
