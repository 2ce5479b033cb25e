"""Rewards over HTTP: the service of a stage, and the client file that an engine loads."""

from __future__ import annotations

import ast
import asyncio
import importlib.util
import json
import shutil
import stat
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from pipeline.errors import UsageError
from stages.engines import reward_client
from stages.engines.reward_service import RewardService
from stages.engines.scoring import Asked, Scoring
from stages.rewards.terms import Batch, Scores, Term
from stages.rl.prompts import Prompt
from stages.settings.engine import Engine
from stages.verifiers.answer import DEFAULT

ENGINE = Engine("verl", address="127.0.0.1", patience_minutes=0.1)


def length(batch: Batch) -> Scores:
    """A letter earns 1; a completion that says so breaks its verifier."""
    if "break" in batch.completions:
        raise RuntimeError("the verifier broke")
    return [float(len(text)) for text in batch.completions]


def scoring(*texts: str) -> Scoring:
    """A term from the first step, and one that pays 100 from step 10 on."""
    rows = [{"id": f"p{n}", "domain": "math", "prompt": []} for n in range(len(texts))]
    prompts = [Prompt(row, text, [1]) for row, text in zip(rows, texts, strict=True)]
    late = Term("late", 1.0, 10, 20, frozenset(), lambda batch: [100.0] * len(batch))
    return Scoring(prompts, [Term("length", 2.0, 0, 20, frozenset(), length), late], DEFAULT)


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The client as an engine loads it: a copy, by its file."""
    path = tmp_path / "reward_client.py"
    shutil.copyfile(reward_client.__file__, path)
    spec = importlib.util.spec_from_file_location("custom_reward", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.05)
    return module


@pytest.fixture
def served(client: ModuleType) -> Iterator[tuple[ModuleType, Scoring, RewardService]]:
    rewards = scoring("Q: ", "Q: <think>")
    with RewardService(ENGINE, rewards) as service:
        service.write_beside(Path(client.__file__))
        yield client, rewards, service


def ask(client: ModuleType, *rows: tuple[int, int, str]) -> list[float]:
    """Rewards of (prompt, place, completion), asked for at one moment, as an engine does."""

    async def all_of_them() -> list[Any]:
        infos = [({"index": place, "prompt": prompt}, text) for prompt, place, text in rows]
        asked = (client.compute_score("math", text, "", info) for info, text in infos)
        return list(await asyncio.gather(*asked, return_exceptions=True))

    return asyncio.run(all_of_them())


def test_completions_are_scored_in_one_batch_by_the_weights_of_the_segment(served) -> None:
    client, rewards, _ = served
    assert ask(client, (0, 0, "abc"), (0, 0, "abcd"), (0, 1, "")) == [6.0, 8.0, 0.0]
    assert [(s.place, s.reward, s.scores) for s in rewards.take(9)] == [
        (0, 6.0, [3.0, None]), (0, 8.0, [4.0, None]), (1, 0.0, [0.0, None]),
    ]  # fmt: skip
    rewards.begin(10)
    assert ask(client, (0, 0, "abc")) == [106.0]


def test_a_thought_that_the_prompt_opens_is_the_completions_all_the_same(served) -> None:
    client, rewards, _ = served
    ask(client, (1, 0, "so</think>it is 5"))
    (one,) = rewards.take(1)
    assert one.text == "<think>so</think>it is 5"
    assert one.parsed.reasoning == "so"


def test_a_row_that_cannot_be_scored_harms_no_other(served) -> None:
    client, rewards, _ = served
    first, broken, unknown, last = ask(
        client, (0, 0, "ab"), (0, 7, "break"), (5, 8, "ab"), (0, 1, "abc")
    )
    assert (first, last) == (4.0, 6.0)
    assert str(broken) == "row 7 (problem p0, prompt 0): RuntimeError: the verifier broke"
    assert str(unknown).startswith("row 8 (prompt 5): ValueError: there is no prompt 5")
    assert len(rewards.take(9)) == 2


def test_a_question_that_is_repeated_is_answered_and_counts_once() -> None:
    rewards = scoring("Q: ")
    row = Asked("one", 0, 0, "abc")
    assert rewards.answer([row]) == rewards.answer([row]) == [{"reward": 6.0}]
    assert len(rewards.take(9)) == 1


def test_a_client_waits_for_a_service_that_comes_back_at_another_address(
    client: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the stage was killed and started again."""
    gone = RewardService(ENGINE, scoring("Q: "))
    gone.write_beside(Path(client.__file__))
    gone._server.server_close()
    services: list[RewardService] = []

    def come_back(seconds: float) -> None:
        if not services:
            services.append(RewardService(ENGINE, scoring("Q: ")).__enter__())
            services[0].write_beside(Path(client.__file__))

    monkeypatch.setattr(client.time, "sleep", come_back)
    assert ask(client, (0, 0, "abc")) == [6.0]
    services[0].__exit__()


def test_a_client_gives_up_after_its_patience(client: ModuleType) -> None:
    gone = RewardService(Engine("verl", address="127.0.0.1"), scoring("Q: "))
    gone.write_beside(Path(client.__file__))
    gone._server.server_close()
    (error,) = ask(client, (0, 0, "abc"))
    assert "no reward service answers for 0 s; the last: URLError" in str(error)


def test_without_the_token_nothing_is_scored(served) -> None:
    client, rewards, service = served
    place = Path(client.__file__).with_name("reward_service.json")
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    for path, headers in (
        ("/score", {"Authorization": "Bearer guess"}),
        ("/", {}),
    ):
        request = urllib.request.Request(service.url + path, b'{"rows": []}', headers)
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(request)
    said = json.loads(place.read_text()) | {"token": "stale"}
    place.write_text(json.dumps(said))
    (error,) = ask(client, (0, 0, "abc"))
    assert "the reward service refuses: HTTP 401" in str(error)
    assert rewards.take(9) == []


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"{}", b'{"rows": [{}]}', b'{"rows": 3}', b'{"rows": [{"ask": 1}]}']
)
def test_words_that_are_no_rows_are_refused(served, body: bytes) -> None:
    _, _, service = served
    token = {"Authorization": f"Bearer {service.token}"}
    request = urllib.request.Request(f"{service.url}/score", body, token)
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(request)


def test_slimes_samples_are_scored_by_their_labels_together(served) -> None:
    client, rewards, _ = served

    async def asked() -> list[float]:
        labels = [json.dumps({"prompt": 0, "place": place}) for place in (4, 5)]
        samples = [SimpleNamespace(response="abc", label=label) for label in labels]
        return list(await asyncio.gather(*(client.slime_reward(None, one) for one in samples)))

    assert asyncio.run(asked()) == [6.0, 6.0]
    assert [one.place for one in rewards.take(9)] == [4, 5]


def test_the_service_binds_the_address_that_is_named_and_no_other() -> None:
    with pytest.raises(
        UsageError, match=r"engine\.address=192\.0\.2\.1 engine\.port=0: rewards canno"
    ):
        RewardService(Engine("verl", address="192.0.2.1"), scoring("Q: "))
    service = RewardService(ENGINE, scoring("Q: "))
    assert service._server.server_address[0] == "127.0.0.1"
    service._server.server_close()


def test_the_client_needs_the_standard_library_alone() -> None:
    tree = ast.parse(Path(reward_client.__file__).read_text())
    named = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    named |= {str(n.module) for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in named} <= sys.stdlib_module_names
