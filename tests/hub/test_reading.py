"""Data sets of the hub as rows: revisions, configurations, splits, raw files."""

from __future__ import annotations

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import RecipeError, UsageError
from tests.hub.asking import read

ROWS = [{"question": f"What is {n} + {n}?", "answer": f"It is #### {2 * n}"} for n in range(1, 7)]
README = """---
configs:
- config_name: main
  data_files:
  - split: train
    path: main/train-*
  - split: test
    path: main/test-*
- config_name: hard
  data_files:
  - split: test
    path: hard/test.jsonl
---
# Sums
"""


def jsonl(rows) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def parquet(rows) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), file)
    return file.getvalue()


def sums(readme: str = README) -> dict[str, bytes]:
    return {
        "README.md": readme.encode(),
        "main/train-00000-of-00002.parquet": parquet(ROWS[:2]),
        "main/train-00001-of-00002.parquet": parquet(ROWS[2:4]),
        "main/test-00000-of-00001.parquet": parquet(ROWS[4:]),
        "hard/test.jsonl": jsonl(ROWS[5:]),
    }


@pytest.fixture
def loaded(ask, tmp_path):
    """`loaded(name, **config)`: the facts and the rows of a set of sums."""

    def load(name, **config):
        return ask(read, tmp_path, **{"format": "gsm8k", "path": name, **config})

    return load


def answers(rows):
    return [int(row["reference"]) for row in rows]


def test_a_split_of_a_configuration_is_read_and_its_commit_goes_to_the_facts(hub, loaded):
    repo = hub.put("org/read", sums())
    facts, rows = loaded("org/read", subset="main", split="train")
    assert answers(rows) == [2, 4, 6, 8]
    assert [row["id"] for row in rows] == [f"gsm8k-main-train-{n:06d}" for n in range(1, 5)]
    assert facts["revision"] == repo.at("main")
    assert "warnings" not in facts
    assert not any("test" in path for path in hub.sent)  # nothing else is fetched


def test_a_pinned_commit_is_read_though_there_is_a_newer_one(hub, loaded):
    repo = hub.put("org/pinned", sums())
    pinned = repo.at("main")
    repo.commit(sums() | {"main/test-00000-of-00001.parquet": parquet(ROWS[:1])})
    facts, rows = loaded("org/pinned", subset="main", split="test", revision=pinned)
    assert (facts["revision"], answers(rows)) == (pinned, [10, 12])
    facts, rows = loaded("org/pinned", subset="main", split="test")
    assert (facts["revision"], answers(rows)) == (repo.at("main"), [2])


def test_splits_can_be_joined_and_cut(hub, loaded):
    hub.put("org/cut", sums())
    _, rows = loaded("org/cut", subset="main", split="train[1:3]+test[:1]")
    assert answers(rows) == [4, 6, 10]
    assert [row["id"][-6:] for row in rows] == ["000001", "000002", "000003"]


def test_several_configurations_are_numbered_each_by_itself(hub, loaded):
    hub.put("org/several", sums())
    _, rows = loaded("org/several", subset=["main", "hard"], split="test")
    assert [row["id"] for row in rows] == [
        "gsm8k-main-test-000001",
        "gsm8k-main-test-000002",
        "gsm8k-hard-test-000001",
    ]


def test_a_set_without_a_card_has_the_splits_that_its_names_say(hub, loaded):
    files = {"data/train-0.jsonl": jsonl(ROWS[:3]), "data/validation-0.jsonl": jsonl(ROWS[3:])}
    hub.put("org/plain", files)
    assert answers(loaded("org/plain", split="validation")[1]) == [8, 10, 12]


def test_a_configuration_or_split_that_is_not_there_is_refused_with_those_that_are(hub, loaded):
    hub.put("org/lacks", sums())
    with pytest.raises(UsageError, match=r"stages\.set\.subset=easy: .*there are: main, hard"):
        loaded("org/lacks", subset="easy")
    with pytest.raises(UsageError, match=r"stages\.set\.split=dev: .*there are: train, test"):
        loaded("org/lacks", subset="main", split="dev")
    with pytest.raises(UsageError, match=r"stages\.set\.subset is null, .*several configurations"):
        loaded("org/lacks")
    with pytest.raises(UsageError, match=r"stages\.set\.split=train\[:10%\]: expected names"):
        loaded("org/lacks", subset="main", split="train[:10%]")


def test_a_set_that_a_program_reads_is_refused_and_read_by_its_files(hub, loaded):
    files = {"scripted.py": b"raise SystemExit", "sets/a.jsonl": jsonl(ROWS[:2])}
    repo = hub.put("org/scripted", files | {"sets/b.jsonl": jsonl(ROWS[2:3]), "sets.zip": b"PK"})
    with pytest.raises(
        UsageError, match=r"program of its own \(scripted\.py\).*set\.files="
    ) as told:
        loaded("org/scripted")
    assert "sets/a.jsonl, sets/b.jsonl" in str(told.value)
    facts, rows = loaded("org/scripted", files="sets/*.jsonl")
    assert [row["id"] for row in rows] == ["gsm8k-a-000001", "gsm8k-a-000002", "gsm8k-b-000001"]
    assert facts["revision"] == repo.at("main")
    with pytest.raises(UsageError, match=r"stages\.set\.files=\*\.csv: no file of org/scripted@"):
        loaded("org/scripted", files="*.csv")
    with pytest.raises(UsageError, match=r"stages\.set\.files=sets\*: sets\.zip of .* is none of"):
        loaded("org/scripted", files=["sets*"])


def test_conversations_pairs_and_labels_come_from_the_hub_as_well(hub, ask, tmp_path):
    talk = {"question": "Say hi.", "response": "Hi!"}
    pair = {"prompt": "Say hi.", "chosen": "Hi!", "rejected": "No."}
    label = {"prompt": "Say hi.", "completion": "Hi!", "label": 1}
    for kind, row, more in (
        ("conversations", talk, {}),
        ("preference_dataset", pair, {"format": "chosen_rejected", "balance_lengths": False}),
        ("label_dataset", label, {"format": "kto"}),
    ):
        repo = hub.put(f"org/{kind}", {"train.jsonl": jsonl([row])})
        facts, rows = ask(read, tmp_path / kind, kind, path=repo.name, **more)
        assert (len(rows), facts["revision"]) == (1, repo.at("main"))


def test_a_limit_fetches_no_more_files_than_it_needs(hub, loaded):
    hub.put("org/limited", sums())
    loaded("org/limited", subset="main", split="train", limit=2)
    assert set(hub.sent) == {"README.md", "main/train-00000-of-00002.parquet"}


def test_a_set_with_fewer_rows_than_its_file_tells_is_told_and_with_few_refused(hub, loaded):
    hub.put("org/shrank", sums())
    facts, _ = loaded("org/shrank", subset="main", split="train", rows=5)
    assert facts["warnings"] == [
        "stages.set.path=org/shrank has 4 rows, and stages.set.about.rows tells 5: it shrank"
    ]
    with pytest.raises(RecipeError, match=r"has 4 rows, and stages\.set\.about\.rows tells 9: it"):
        loaded("org/shrank", subset="main", split="train", rows=9)
    facts, _ = loaded("org/shrank", subset="main", split="train", rows=9, limit=2)
    assert "warnings" not in facts


def test_a_column_that_changed_is_named_with_the_commit_and_the_row(hub, loaded):
    renamed = [{"problem": row["question"], "answer": row["answer"]} for row in ROWS]
    repo = hub.put("org/changed", {"train.jsonl": jsonl(renamed)})
    commit = repo.at("main")[:7]
    with pytest.raises(RecipeError, match=rf"org/changed@{commit}/train, row 1: .*`question`"):
        loaded("org/changed")
