"""A hub on loopback, and a process whose libraries take it for theirs.

HF_ENDPOINT, HF_HOME and HF_HUB_OFFLINE are read when huggingface_hub is imported, so what asks the
hub runs in a process that is started with them.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.hub.hub_world import Handler, Hub


class Loopback:
    """A server for a Hub that can be taken from the network and be brought back."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.port = 0
        self.start()

    def start(self) -> None:
        self.hub.down = False
        handler = type("OneHub", (Handler,), {"hub": self.hub})
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self.hub.down = True
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="session")
def loopback() -> Iterator[Loopback]:
    server = Loopback()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def hub_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """HF_HOME of the process that asks."""
    return tmp_path_factory.mktemp("hf_home")


@pytest.fixture(scope="session")
def hub_environment(loopback: Loopback, hub_home: Path) -> dict[str, str]:
    """For a process of a test's own that asks this hub."""
    asked = {"HF_ENDPOINT": f"http://127.0.0.1:{loopback.port}", "HF_HOME": str(hub_home)}
    return {**os.environ, **asked, "HF_HUB_OFFLINE": "0", "NO_PROXY": "127.0.0.1"}


@pytest.fixture(scope="module")  # longer, and tests of other folders would find its process
def asking(hub_environment: dict[str, str]) -> Iterator[ProcessPoolExecutor]:
    before = dict(os.environ)
    os.environ.update(hub_environment)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        pool.submit(os.getpid).result()
        os.environ.clear()
        os.environ.update(before)
        yield pool


@pytest.fixture
def hub(loopback: Loopback) -> Hub:
    """The hub, empty. Names of data sets are a test's own: what was fetched of one is kept."""
    loopback.hub.reset()
    return loopback.hub


@pytest.fixture
def ask(asking: ProcessPoolExecutor, hub: Hub) -> Callable[..., Any]:
    """`ask(function, *arguments)`: what a function of a module says where this hub is the hub."""

    def call(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        return asking.submit(function, *arguments, **named).result(timeout=120)

    return call
