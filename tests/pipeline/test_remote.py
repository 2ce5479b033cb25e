"""Results at a URL: a real S3 server on loopback (moto), in a process of its own, and folders."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from conftest import PYTHONPATH, Toy

from pipeline.artifact import Artifact
from pipeline.remote import sending
from pipeline.remote.place import Place
from pipeline.remote.sending import LEFT, NOTE, SENT, THERE, send
from pipeline.remote.shelf import Result, Shelf
from pipeline.store import Store
from tests.conftest import _manifest

ALL = {"numbers", "left", "right", "both"}
MANIFEST = "manifest.json"


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


class S3:
    """The server as its owner sees it: plain HTTP, which it takes without a signature."""

    def __init__(self, port: int) -> None:
        self.at = f"127.0.0.1:{port}"
        self.buckets = 0

    def new_bucket(self) -> str:
        self.buckets += 1
        httpx.put(f"http://{self.at}/bucket{self.buckets}").raise_for_status()
        return f"bucket{self.buckets}"

    def url(self, bucket: str, prefix: str = "some/prefix") -> str:
        return f"s3://{bucket}/{prefix}?endpoint_override={self.at}&scheme=http"

    def keys(self, bucket: str) -> list[str]:
        listed = httpx.get(f"http://{self.at}/{bucket}?list-type=2").raise_for_status().text
        return re.findall("<Key>([^<]*[^/<])</Key>", listed)

    @contextlib.contextmanager
    def refusing(self) -> Iterator[None]:
        """While the block runs, nobody's credentials are good enough."""
        address = f"http://{self.at}/moto-api/reset-auth"
        httpx.post(address, content="0").raise_for_status()
        yield
        httpx.post(address, content="inf").raise_for_status()


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "me")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "mine")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        assert server.stderr is not None
        for line in server.stderr:
            if "Running on" in line:
                break
        assert server.poll() is None, "the server has not started"
        reader = threading.Thread(target=server.stderr.read, daemon=True)
        reader.start()
        yield S3(port)
    server.kill()
    server.wait()
    reader.join()


def a_result(store: Path, files: dict[str, bytes], seconds: float = 0.0) -> Artifact:
    output = store / ".work" / "output"
    for name, content in files.items():
        (output / name).parent.mkdir(parents=True, exist_ok=True)
        (output / name).write_bytes(content)
    return Store(store).publish(output, _manifest("model", "ünusual", {}) | {"seconds": seconds})


def test_a_second_machine_adopts_everything_and_runs_nothing(toy: Toy, s3: S3) -> None:
    url = s3.url(s3.new_bucket())
    first = toy("run", f"paths.publish={url}")
    assert "sent to s3://bucket1/some/prefix: 4 results" in first
    other = Toy(toy.folder / "other")
    other.folder.mkdir()
    adopt = f"paths.adopt=['{url}']"
    rows = json.loads(other.here("plan", "--json", adopt))["stages"]
    assert {row["state"] for row in rows} == {"done"}
    why = other.here("why", "left", adopt)
    assert "left is done: to be adopted from s3://bucket1/some/prefix/left/" in why
    reason = json.loads(other.here("why", "both", "--json", adopt, "stages.left.add=2"))
    [changed] = reason["inputs"]
    assert changed["changes"] == [{"key": "add", "old": 1, "new": 2}], "with what is there"
    second = other("run", adopt)
    assert "left: adopted from s3://bucket1/some/prefix/left/" in second
    assert "started" not in second
    for stage in ALL:
        assert other.manifests(stage) == toy.manifests(stage)
    assert "nothing to do" in other("run"), "without the URL, too"


def test_a_killed_send_is_not_adopted_and_is_completed_by_push(finished: Toy, s3: S3) -> None:
    bucket = s3.new_bucket()
    url = s3.url(bucket)
    folder = next((finished.store / "left").iterdir())
    command = [sys.executable, "-m", "pipeline.remote.sender", url]
    environment = {**os.environ, "PYTHONPATH": PYTHONPATH}
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment, text=True) as sender:
        sender.stdin.write(json.dumps(str(folder)) + "\n")
        sender.stdin.flush()
        while not s3.keys(bucket):
            time.sleep(0.02)
        sender.kill()
    base = f"some/prefix/left/{folder.name}"
    assert s3.keys(bucket) == [f"{base}/{NOTE}"]
    numbers = (folder / "numbers.json").read_bytes()
    Place("paths.publish", url).write(f"left/{folder.name}/numbers.json", numbers)

    shutil.copytree(finished.folder, finished.folder / "other", symlinks=True)
    other = Toy(finished.folder / "other")
    shutil.rmtree(other.store / "left")
    assert "to be adopted" not in other.here("plan", f"paths.adopt=['{url}']", "until=left")

    publish = f"paths.publish={url}"
    (row,) = json.loads(finished.here("push", "left", "--json", publish))["results"]
    assert row["state"] == "sent"
    assert row["bytes"] == (folder / "metrics.jsonl").stat().st_size, "not what was there"
    assert sorted(s3.keys(bucket)) == sorted(f"{base}/{file.name}" for file in folder.iterdir())
    output = finished.here("push", publish)
    assert "left: there" in output
    assert "both: sent" in output
    assert "4 of 4 results are at s3://" in output


def test_a_corrupt_object_is_refused_and_the_stage_is_made_here(finished: Toy, s3: S3) -> None:
    url = s3.url(s3.new_bucket())
    finished.here("push", "numbers", "left", f"paths.publish={url}")
    fingerprint = next((finished.store / "left").iterdir()).name
    Place("paths.publish", url).write(f"left/{fingerprint}/numbers.json", b"[9, 9, 9, 9]")
    other = Toy(finished.folder / "other")
    other.folder.mkdir()
    output = other("run", f"paths.adopt=['{url}']", "until=left")
    assert "numbers: adopted from" in output
    assert re.search(r"left: cannot be adopted from .*numbers.json does not match", output)
    assert "with `r1 push`, after s3://" in output
    assert "left: started" in output
    assert "2 of 2 stages done" in output
    made, before = other.manifests("left")[0]["files"], finished.manifests("left")[0]["files"]
    assert made["numbers.json"] == before["numbers.json"]
    assert list((other.store / ".work").glob("adopt-*")) == []


def test_a_server_that_is_away_is_named_and_stops_no_run(toy: Toy) -> None:
    away = (
        f"gs://anonymous@bucket/x?endpoint_override=127.0.0.1:{free_port()}"
        "&scheme=http&retry_limit_seconds=1"
    )
    output = toy("run", f"paths.adopt=['{away}']", f"paths.publish='{away}'", "until=numbers")
    assert "paths.adopt: gs://anonymous@bucket/x cannot be reached" in output
    assert "numbers: warning: not sent, paths.publish: gs://anonymous@bucket/x cannot" in output
    assert "Later: r1 push" in output
    assert "1 of 1 stages done" in output
    assert "not sent" in toy.here("push", f"paths.publish='{away}'", "until=numbers", expect=1)


def test_no_bucket_and_no_access_are_told_as_such(finished: Toy, s3: S3) -> None:
    absent = s3.url("nobody-has-made-it")
    shutil.rmtree(finished.store / "both")
    output = finished.here("plan", f"paths.adopt=['{absent}']")
    assert "paths.adopt: s3://nobody-has-made-it/some/prefix has no such bucket" in output
    assert "both: run" not in output
    output = finished.here("push", f"paths.publish={absent}", expect=1)
    assert "numbers: not sent, paths.publish: s3://nobody-has-made-it/some" in output
    assert "left: not sent, not tried" in output
    assert "0 of 3 results are at" in output
    refusing = s3.url(s3.new_bucket())
    with s3.refusing():
        assert "refuses access" in finished.here("status", f"paths.adopt=['{refusing}']")
        assert "refuses access" in finished.here("push", f"paths.publish={refusing}", expect=1)


def test_files_of_all_names_and_sizes_arrive_as_they_were(tmp_path: Path, s3: S3) -> None:
    files = {
        "model/a b#?%20+&=ü.gz": b"not compressed by its name",
        "model/empty": b"",
        "rows of 数据.parquet": os.urandom(12 << 20),  # two parts
    }
    artifact = a_result(tmp_path / "mine", files)
    place = Place("paths.publish", s3.url(s3.new_bucket(), "odd%20prefix/ü"))
    assert send(place, artifact, print).state == SENT
    assert send(place, artifact, print).state == THERE
    store = Store(tmp_path / "other", places=[place])
    adopted = store.adopt("named otherwise", artifact.fingerprint)
    assert {name: (adopted.path / name).read_bytes() for name in files} == files


def test_what_was_fetched_before_an_interruption_is_not_fetched_again(tmp_path: Path) -> None:
    artifact = a_result(tmp_path / "mine", {"model/one": b"1", "model/two": b"2"})
    place = Place("paths.adopt", (tmp_path / "shared").as_uri())
    send(place, artifact, print)
    aside = tmp_path / "aside" / "model"
    aside.mkdir(parents=True)
    (aside / "one").write_bytes(b"1")
    (aside / "two").write_bytes(b"")
    (there,) = Shelf(place).find(artifact.stage, artifact.fingerprint)
    (tmp_path / "shared" / there.name / "model" / "one").unlink()
    Result(place, there.name).fetch(aside.parent, artifact.fingerprint)
    assert (aside / "two").read_bytes() == b"2"


def test_of_two_senders_of_unlike_results_one_leaves_it_to_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "GONE_AFTER", 0.5)
    mine = a_result(tmp_path / "mine", {"model/w": b"mine", "model/z": b"mine"})
    others = a_result(tmp_path / "others", {"model/w": b"theirs"}, seconds=1.0)
    place = Place("paths.publish", (tmp_path / "shared").as_uri())
    base = f"{mine.stage}/{mine.fingerprint}"
    note = (others.path / MANIFEST).read_bytes()
    over = threading.Event()

    def touch() -> None:
        while not over.wait(0.05):
            place.write(f"{base}/{NOTE}", note)

    place.write(f"{base}/{NOTE}", note)
    place.write(f"{base}/model/w", b"theirs")
    touching = threading.Thread(target=touch)
    touching.start()
    assert send(place, mine, print).state == LEFT
    over.set()
    touching.join()
    assert place.read(f"{base}/model/w") == b"theirs"
    # the other one was ended: nothing of it stays
    assert send(place, mine, print).state == SENT
    assert Store(tmp_path / "third", places=[place]).adopt(mine.stage, mine.fingerprint)


def half_sent(toy: Toy, finished_once: Path) -> tuple[Path, Path]:
    """A shared folder, and the note of another machine there, for which a sender waits."""
    fingerprint = next((finished_once / "outputs/store/numbers").iterdir()).name
    shared = toy.folder / "shared"
    note = shared / "numbers" / fingerprint / NOTE
    note.parent.mkdir(parents=True)
    note.write_text("of another machine")
    return shared, note


def test_who_is_attached_to_a_run_sees_the_end_of_its_sending_which_can_be_cancelled(
    toy: Toy, finished_once: Path
) -> None:
    shared, note = half_sent(toy, finished_once)
    toy("run", "--detach", "until=numbers", f"paths.publish={shared.as_uri()}")
    attached = toy.start("attach")
    assert attached.stdout is not None
    said = ""
    while "waiting for what is on its way" not in said:
        said += attached.stdout.readline()
        assert attached.poll() is None, said
    assert "cancelled" in toy.here("cancel")
    said += attached.communicate(timeout=60)[0]
    assert attached.returncode == 0, said
    assert f"not sent to {shared.as_uri()}: numbers" in said
    assert [file.name for file in note.parent.iterdir()] == [NOTE]


def test_ctrl_c_at_the_end_leaves_unsent_what_is_on_its_way(toy: Toy, finished_once: Path) -> None:
    shared, note = half_sent(toy, finished_once)
    process = toy.start("run", "until=numbers", f"paths.publish={shared.as_uri()}")
    said = ""
    for line in process.stdout:
        said += line
        if "waiting for what is on its way" in line:
            process.send_signal(signal.SIGINT)
    assert process.wait() == 0, said
    assert f"not sent to {shared.as_uri()}: numbers" in said
    assert "Later: r1 push until=numbers" in said
    assert [file.name for file in note.parent.iterdir()] == [NOTE]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("s3://me:secret@bucket/x", "paths.publish: a user, a password or a key"),
        ("'s3://bucket/x?access_key=me&secret_key=secret'", "AWS_SECRET_ACCESS_KEY"),
        ("'abfs://box@me.dfs.core.windows.net/x?sig=secret'", "leave them to the environment"),
        ("ftp://host/x", "paths.publish: ftp://host/x is no URL that results are sent to"),
        ("/mnt/results", "e.g. `paths.publish=s3://bucket/prefix`"),
    ],
)
def test_a_url_with_a_secret_or_of_an_unknown_kind_is_refused(
    toy: Toy, url: str, words: str
) -> None:
    output = toy.here("push", f"paths.publish={url}", expect=2)
    assert words in output
    assert "secret@" not in output
    assert "=secret" not in output
