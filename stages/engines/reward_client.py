"""The reward functions that engines are given: they ask the stage that started the engine.

This file runs in the engine's environment, on any of its machines, so it needs Python's standard
library alone. The stage copies it into its work folder and writes `reward_service.json` beside it:
url, token, and how long to ask again. That file is read at every attempt, since a stage that was
killed and started again answers at another address.

Completions that are scored at the same moment travel together. What a completion earned is asked
for under a name of its own, so that a repeated question is answered and not counted twice.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

SERVICE = Path(__file__).with_name("reward_service.json")
GATHER = 0.02  # seconds in which rows meet that travel together
MOST = 256  # of them
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds between attempts, each twice as long as the last
ANSWER_SECONDS = 600.0  # that the service may take for one batch
ROW_TRIES = 3  # for a row that fails by itself

Row = dict[str, object]
_waiting: dict[asyncio.AbstractEventLoop, list[tuple[Row, asyncio.Future[float]]]] = {}


class RewardError(Exception):
    """The service does not answer, or says of a row that it cannot be scored."""


async def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: str,
    extra_info: dict[str, object],
    **_: object,
) -> float:
    """verl's reward function: the reward of one completion of the row that `extra_info` names."""
    row: Row = {"ask": uuid.uuid4().hex, "completion": solution_str}
    row |= {"place": int(str(extra_info["index"])), "prompt": int(str(extra_info["prompt"]))}
    return await ask(row)


async def slime_reward(args: object, sample: Any, **_: object) -> float:
    """slime's: of one of its samples, whose label is `{"prompt": …, "place": …}` as JSON."""
    row: Row = {"ask": uuid.uuid4().hex, "completion": sample.response}
    return await ask(row | json.loads(sample.label))


async def ask(row: Row) -> float:
    """The reward of a row, sent together with those that are asked for at the same moment."""
    loop = asyncio.get_running_loop()
    waiting = _waiting.setdefault(loop, [])
    answer: asyncio.Future[float] = loop.create_future()
    waiting.append((row, answer))
    if len(waiting) == 1:
        loop.call_later(GATHER, _send, loop)
    return await answer


def _send(loop: asyncio.AbstractEventLoop) -> None:
    waiting = _waiting.pop(loop, [])
    for start in range(0, len(waiting), MOST):
        part = waiting[start : start + MOST]
        done = loop.run_in_executor(None, score, [row for row, _ in part])
        done.add_done_callback(lambda done, part=part: _answer(part, done))  # type: ignore[misc]


def _answer(
    part: list[tuple[Row, asyncio.Future[float]]],
    done: asyncio.Future[list[float | RewardError]],
) -> None:
    error = done.exception()
    found = [error] * len(part) if error else done.result()
    for (_, answer), one in zip(part, found, strict=True):
        if answer.cancelled():
            continue
        if isinstance(one, BaseException):
            answer.set_exception(one)
        else:
            answer.set_result(float(one))


def score(rows: list[Row]) -> list[float | RewardError]:
    """The reward of each row, in order; a row that failed time after time has its error.

    Raises RewardError where the service gives no answer.
    """
    found: dict[int, float | RewardError] = {}
    left = list(range(len(rows)))
    for _ in range(ROW_TRIES):
        answers = _post([rows[number] for number in left])
        for number, answer in zip(left, answers, strict=True):
            failed = answer.get("error")
            found[number] = RewardError(str(failed)) if failed else float(answer["reward"])
        left = [number for number in left if isinstance(found[number], RewardError)]
        if not left:
            break
    return [found[number] for number in range(len(rows))]


def _post(rows: list[Row]) -> list[dict[str, str | float]]:
    """The service's answers; asked again, ever more slowly, while nobody answers."""
    began, pause = time.monotonic(), FIRST_PAUSE
    while True:
        patience = 0.0
        try:
            service = json.loads(SERVICE.read_text())
            patience = float(service["patience"])
            return _once(service, rows)
        except urllib.error.HTTPError as error:
            words = f"HTTP {error.code}: {error.read(2000).decode(errors='replace')}"
            if error.code < 500:
                raise RewardError(f"the reward service refuses: {words}") from None
        except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
            words = f"{type(error).__name__}: {error}"
        if time.monotonic() - began + pause > patience:
            raise RewardError(f"no reward service answers for {patience:g} s; the last: {words}")
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


def _once(service: dict[str, str], rows: list[Row]) -> list[dict[str, str | float]]:
    request = urllib.request.Request(
        f"{service['url']}/score",
        json.dumps({"rows": rows}).encode(),
        {"Authorization": f"Bearer {service['token']}", "Content-Type": "application/json"},
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=ANSWER_SECONDS) as reply:
        answers = json.load(reply)["rows"]
    if len(answers) != len(rows):
        raise ValueError(f"{len(answers)} answers to {len(rows)} rows")
    return list(answers)
