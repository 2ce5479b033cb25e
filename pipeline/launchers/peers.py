"""The ranks of a gang, and what the leader on one machine knows of those on others."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

from pipeline.context import GANG
from pipeline.errors import StageFailed

_ADDRESS = "127.0.0.1"
_LOOPBACK = Path("/sys/class/net/lo")


@dataclass(frozen=True)
class Rank:
    """One place in a gang, and on its machine: rank `number` of `of`, there `local` of `beside`.

    meeting: the file in which all meet; None where they are on several machines.
    """

    number: int
    of: int
    local: int
    beside: int
    address: str
    port: int
    meeting: Path | None

    def environment(self) -> dict[str, str]:
        """What torch.distributed, accelerate and vLLM read."""
        inside = {} if self.meeting is None else {GANG: str(self.meeting)}
        if self.meeting is not None and _LOOPBACK.exists():
            inside["GLOO_SOCKET_IFNAME"] = _LOOPBACK.name
        return {
            **inside,
            "RANK": str(self.number),
            "LOCAL_RANK": str(self.local),
            "WORLD_SIZE": str(self.of),
            "LOCAL_WORLD_SIZE": str(self.beside),
            "MASTER_ADDR": self.address,
            "MASTER_PORT": str(self.port),
        }

    def log(self, stage: Path) -> Path:
        """Where this rank writes what it prints."""
        return stage.with_suffix(f".rank{self.number}{stage.suffix}") if self.number else stage


@dataclass(frozen=True)
class Failure:
    """Why a rank ended, and when: of several, the first is the cause.

    lost: because it lost a machine.
    """

    message: str
    when: float
    lost: bool = False


class RankFailed(StageFailed):
    """A rank's failure; `log` is where more of it stands."""

    def __init__(self, message: str, log: Path) -> None:
        super().__init__(message)
        self.log = log


class Peers:
    """The leaders of a gang on other machines, as this one sees them: here, nobody."""

    def ranks(self, size: int, work: Path) -> list[Rank]:
        """The ranks of this machine."""
        port, meeting = free_port(), work / "gang"
        meeting.unlink(missing_ok=True)  # of an attempt that was killed
        return [Rank(n, size, n, size, _ADDRESS, port, meeting) for n in range(size)]

    def report(self, rank: Rank, failure: Failure, log: Path) -> None:
        """Tell the others why a rank of this machine failed; first of all in its own process."""

    def trouble(self) -> bool:
        """Whether the gang cannot go on because of another machine."""
        return False

    def cause(self, own: RankFailed | None) -> BaseException:
        """Why it cannot, given what failed here first."""
        assert own is not None
        return own

    def wait(self) -> bool:
        """Whether ranks elsewhere are not done yet; asked when those here are."""
        return False


ALONE = Peers()


def told(rank: Rank, message: str, where: Path) -> str:
    """A rank's failure, as the stage's user reads it. where: the rank's log."""
    return f"rank {rank.number} of {rank.of}: {message} (log: {where})"


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind((_ADDRESS, 0))
        return int(listener.getsockname()[1])
