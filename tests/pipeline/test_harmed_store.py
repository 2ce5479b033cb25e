"""What harm an artifact, its manifest or the cache takes, and what two runners do about it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, ItemsView
from pathlib import Path
from typing import Any

import pytest
from test_store import FINGERPRINT, manifest, publish

from pipeline import manifest as manifests
from pipeline.errors import RecipeError
from pipeline.lease import Lease
from pipeline.manifest import CorruptArtifact
from pipeline.store import Store


class Live(dict[str, Any]):
    """An attempt whose heartbeat goes on: it says something else whenever it is looked at."""

    def items(self) -> ItemsView[str, Any]:
        self["seconds"] = self.get("seconds", 0) + 1
        return super().items()


def test_what_goes_on_changing_while_it_is_published_does_not_spoil_the_artifact(
    tmp_path: Path,
) -> None:
    output = tmp_path / "output"
    output.mkdir()
    (output / "rows").write_text("rows")
    made = Store(tmp_path).publish(output, manifest(attempts=[Live(outcome="finished")]))
    found = Store(tmp_path).find("toy", FINGERPRINT)
    assert found is not None
    assert found.manifest == made.manifest


def test_facts_that_are_no_unicode_do_not_lose_a_finished_stage(tmp_path: Path) -> None:
    output = tmp_path / "output"
    output.mkdir()
    Store(tmp_path).publish(output, manifest(facts={"worst": "half a pair: \ud83d"}))
    found = Store(tmp_path).find("toy", FINGERPRINT)
    assert found is not None
    assert found.facts == {"worst": "half a pair: ?"}


def wrong_digit(path: Path) -> None:
    """Change the first digit of every digest in the cache."""
    known = json.loads(path.read_text())
    for entry in known.values():
        entry[3] = ("0" if entry[3][0] != "0" else "1") + entry[3][1:]
    path.write_text(json.dumps(known))


@pytest.mark.parametrize(
    "harm",
    [
        wrong_digit,
        lambda path: path.write_text("[]"),
        lambda path: path.write_text("null"),
        lambda path: path.write_text('{"a": 1}'),
        lambda path: path.write_text('{"a": ' * 9999),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.unlink(), path.symlink_to(path)),
    ],
    ids=["digit", "list", "null", "number", "deep", "folder", "loop"],
)
def test_a_harmed_cache_of_digests_is_not_believed(
    tmp_path: Path, harm: Callable[[Path], Any]
) -> None:
    store = Store(tmp_path)
    path = publish(store)
    before = store.digests.of_tree(path)
    store.save_caches()
    harm(tmp_path / ".cache" / "digests.json")
    store = Store(tmp_path)
    assert store.find("toy", FINGERPRINT) is not None
    assert store.digests.of_tree(path) == before, "nor where nothing else could tell"


def test_a_digest_that_was_taken_of_other_content_does_not_condemn_the_file(tmp_path: Path) -> None:
    store = Store(tmp_path)
    file = publish(store) / "rows"
    stat = file.stat()
    with file.open("r+") as rows:  # and back again, which neither size, time nor inode shows
        rows.write("rowz")
        rows.flush()
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        store.digests.of_file(file)
        rows.seek(0)
        rows.write("rows")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert store.find("toy", FINGERPRINT) is not None


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.write_text("null"),
        lambda path: path.write_text("[]"),
        lambda path: path.write_text('{"files": []}'),
        lambda path: path.write_text('{"a": ' * 9999),
        lambda path: path.write_bytes(b"\xff\xfe"),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.unlink(), path.symlink_to(path)),
    ],
    ids=["null", "list", "shape", "deep", "bytes", "folder", "loop"],
)
def test_a_manifest_of_another_shape_is_a_corrupt_artifact(
    tmp_path: Path, harm: Callable[[Path], Any]
) -> None:
    path = publish(Store(tmp_path))
    harm(path / "manifest.json")
    store = Store(tmp_path)
    with pytest.raises(CorruptArtifact, match=r"manifest\.json"):
        store.find("toy", FINGERPRINT)
    assert store.manifest("toy", FINGERPRINT) is None
    assert store.mend("toy", FINGERPRINT) is not None
    assert store.find("toy", FINGERPRINT) is None
    assert publish(store) == path


def test_a_manifest_that_lists_files_outside_its_folder_is_never_adopted(tmp_path: Path) -> None:
    shipped = publish(Store(tmp_path / "shipped"))
    found = manifests.read(shipped)
    outside = {"sha256": found["files"]["rows"]["sha256"], "bytes": 4}
    (shipped.parent / "rows").write_text("rows")
    manifests.write(shipped, {**found, "files": {"../rows": outside}})
    with pytest.raises(CorruptArtifact, match=r"lists \.\./rows, which lies outside"):
        Store(tmp_path / "mine", adopt=[tmp_path / "shipped"]).adopt("toy", FINGERPRINT)


@pytest.mark.parametrize(
    "put",
    [lambda path: path.write_text("a file"), lambda path: path.symlink_to(path)],
    ids=["file", "loop"],
)
def test_what_lies_in_an_artifacts_place_is_moved_aside(
    tmp_path: Path, put: Callable[[Path], Any]
) -> None:
    store = Store(tmp_path)
    path = store.path("toy", FINGERPRINT)
    path.parent.mkdir()
    put(path)
    with pytest.raises(CorruptArtifact):
        store.find("toy", FINGERPRINT)
    assert store.mend("toy", FINGERPRINT) is not None
    assert publish(store) == path


def test_an_artifact_that_cannot_be_read_now_is_not_called_corrupt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(Store(tmp_path))

    def refused(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refused)  # root reads everything
    with pytest.raises(RecipeError, match=r"Permission denied.*Nothing was changed") as error:
        Store(tmp_path).find("toy", FINGERPRINT)
    assert not isinstance(error.value, CorruptArtifact)


def test_the_good_copy_that_another_runner_has_made_is_never_set_aside(tmp_path: Path) -> None:
    store = Store(tmp_path)
    path = publish(store)
    (path / "rows").write_text("rowz")
    with pytest.raises(CorruptArtifact):  # seen by both runners
        store.find("toy", FINGERPRINT)
    assert Store(tmp_path).mend("toy", FINGERPRINT) is not None
    assert store.mend("toy", FINGERPRINT) is None, "gone, and not made anew yet"
    publish(Store(tmp_path))
    assert store.mend("toy", FINGERPRINT) is None
    assert store.find("toy", FINGERPRINT) is not None


def test_what_another_runner_has_in_hand_is_left_to_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    path = publish(store)
    (path / "rows").write_text("rowz")
    other = Lease(store.lease("toy", FINGERPRINT))
    assert other.acquire() is None
    assert store.mend("toy", FINGERPRINT) is None
    assert path.exists()
    other.release()
    assert store.mend("toy", FINGERPRINT) is not None


def test_files_that_a_manifest_does_not_list_are_moved_out_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = publish(Store(tmp_path))
    (path / "model" / "adapter_config.json").write_text("{}")
    (path / "model" / "more").symlink_to("/etc")
    (path / ".DS_Store").write_text("")
    assert Store(tmp_path).find("toy", FINGERPRINT) is not None
    assert {p.relative_to(path).as_posix() for p in path.rglob("*") if not p.is_dir()} == {
        "manifest.json",
        "model/weights",
        "rows",
    }
    [aside] = (tmp_path / ".corrupt").iterdir()
    assert (aside / "model" / "adapter_config.json").read_text() == "{}"
    said = capsys.readouterr().err
    assert f"{path}: .DS_Store, model/adapter_config.json, model/more: not of its mani" in said
    assert "the artifact itself is whole" in said
    assert Store(tmp_path).find("toy", FINGERPRINT) is not None
    assert capsys.readouterr().err == ""


def test_a_folder_that_was_moved_to_another_disk_is_no_stray(tmp_path: Path) -> None:
    path = publish(Store(tmp_path / "store"))
    (path / "model").rename(tmp_path / "elsewhere")
    (path / "model").symlink_to(tmp_path / "elsewhere")
    assert Store(tmp_path / "store").find("toy", FINGERPRINT) is not None
    assert (path / "model" / "weights").exists()


def test_only_what_its_manifest_lists_is_adopted(tmp_path: Path) -> None:
    shipped = publish(Store(tmp_path / "shipped"))
    (shipped / "model" / "adapter_config.json").write_text("{}")
    store = Store(tmp_path / "mine", adopt=[tmp_path / "shipped"])
    adopted = store.adopt("toy", FINGERPRINT)
    assert adopted is not None
    assert not (adopted.model_path / "adapter_config.json").exists()
    assert (shipped / "model" / "adapter_config.json").exists(), "what is adopted from is only read"
