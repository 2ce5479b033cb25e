"""New weights by broadcast: from the process that trains to the workers of its engines.

Each broadcast has a process group of its own, made from torch's parts and apart from the groups of
training and of vLLM: rank 0 sends, and every worker of every engine is one of the ranks above. So
an engine that was started again is simply there the next time. Every wait has a limit, and what
fails is an error in all processes that are left; vLLM's own transfer would wait for good.

    sender    with Sender(weights, host, receivers=2) as sender:
                  …                      tell each receiver `sender.meeting` and its rank
                  sender.send()
                  …                      hear that they have them
              # else `send` raises Undelivered
    receiver  for name, tensor in receive(meeting, rank, device): …

By NCCL where the weights are on a GPU, else by gloo, tensor by tensor. All find each other in a
TCPStore, which listens at one address of the sender while it lasts. Neither it nor the groups ask
for a password (docs/threat-model.md).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

from pipeline.errors import StageFailed

SECONDS = 120.0  # for all to come together, and for each tensor
HERE = "127.0.0.1"
#: Read by torch when it makes a group of NCCL: a wait that fails raises in its caller. By default a
#: thread of torch's ends the whole process.
RAISES = "TORCH_NCCL_BLOCKING_WAIT"
#: Read once in a process: how long NCCL may take to connect all ranks, in seconds.
CONNECTS = "TORCH_NCCL_NONBLOCKING_TIMEOUT"


class Undelivered(Exception):
    """A receiver is gone, or too late; what the others have is not known."""


@dataclass(frozen=True)
class Meeting:
    """What a receiver is told: where the sender is, and what comes, in this order.

    size: of the group, the sender included. seconds: the limit of every wait.
    """

    host: str
    port: int
    size: int
    backend: str
    seconds: float
    tensors: tuple[tuple[str, tuple[int, ...], torch.dtype], ...]


class Sender:
    """Rank 0 of a group. It listens when it is made, and stays until its block ends."""

    def __init__(self, weights: Mapping[str, torch.Tensor], host: str, receivers: int) -> None:
        """host: an address of this machine that receivers reach."""
        self._weights = weights
        self._group: Any = None
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, 0), family=family)
        port = int(listening.getsockname()[1])
        tensors = tuple((name, tuple(one.shape), one.dtype) for name, one in weights.items())
        backend = "nccl" if any(one.is_cuda for one in weights.values()) else "gloo"
        self.meeting = Meeting(host, port, receivers + 1, backend, SECONDS, tensors)
        self._store = dist.TCPStore(
            host,
            port,
            is_master=True,
            wait_for_workers=False,
            timeout=timedelta(seconds=SECONDS),
            master_listen_fd=listening.detach(),
        )

    def __enter__(self) -> Sender:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._group is not None:
            _close(self._group, failed=kind is not None)

    def send(self) -> None:
        """Send all tensors. Raises Undelivered."""
        try:
            self._group = _group(self._store, 0, self.meeting)
            for tensor in self._weights.values():
                _broadcast(self._group, tensor.detach().contiguous())
        except RuntimeError as error:  # torch has no narrower one for a peer that is gone
            raise Undelivered(str(error)) from error


def receive(
    meeting: Meeting, rank: int, device: torch.device
) -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors as they come, each a new one. Raises RuntimeError where they do not."""
    if meeting.backend == "nccl" and not torch.cuda.is_available():
        raise StageFailed(
            "weights come from a GPU by NCCL, and this engine has none: set rollout.weights=file"
        )
    patience = timedelta(seconds=meeting.seconds)
    store = dist.TCPStore(meeting.host, meeting.port, is_master=False, timeout=patience)
    group, whole = _group(store, rank, meeting), False
    try:
        for name, shape, dtype in meeting.tensors:
            tensor = torch.empty(shape, dtype=dtype, device=device)
            _broadcast(group, tensor)
            yield name, tensor
        whole = True
    finally:
        _close(group, failed=not whole)


def towards(host: str, port: int) -> str:
    """This machine's address on the way to another one."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, socket.SOCK_DGRAM) as way:
        way.connect(address)  # sends nothing
        return str(way.getsockname()[0])


def _group(store: dist.Store, rank: int, meeting: Meeting) -> Any:
    patience = timedelta(seconds=meeting.seconds)
    if meeting.backend == "gloo":
        gloo: Any = dist.ProcessGroupGloo
        options = gloo._Options()
        options._timeout = patience
        options._devices = [gloo.create_device(hostname=towards(meeting.host, meeting.port))]
        return gloo(store, rank, meeting.size, options)
    nccl: Any = dist.ProcessGroupNCCL
    options = nccl.Options()
    options._timeout = patience
    options.config.blocking = 0  # else nothing ends a wait for a rank that died while it connects
    os.environ.setdefault(CONNECTS, str(int(meeting.seconds)))
    with _environment(RAISES, "1"):
        return nccl(store, rank, meeting.size, options)


def _broadcast(group: Any, tensor: torch.Tensor) -> None:
    """As bytes, which every backend knows."""
    if tensor.numel():
        group.broadcast(tensor.view(-1).view(torch.uint8), 0).wait()


def _close(group: Any, failed: bool) -> None:
    if failed:
        group.abort()
    else:
        group.shutdown()


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
