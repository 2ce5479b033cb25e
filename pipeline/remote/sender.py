"""The process that sends results while a run goes on: `python -m pipeline.remote.sender URL`.

It reads the folders of results from its standard input, a line of JSON each, and writes what
happens to its standard output: `Said` as lines of JSON. It ends when its input does. A process,
because a request in the library cannot be interrupted, and this one can be ended.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline import manifest as manifests
from pipeline.artifact import Artifact
from pipeline.errors import RecipeError
from pipeline.remote.place import Place
from pipeline.remote.sending import send

FAILED = "failed"


@dataclass(frozen=True)
class Said:
    """What the sender says of a result. state: of `Sent`, `FAILED`, or empty while it is sent."""

    folder: str
    state: str = ""
    bytes: int = 0
    text: str = ""

    def aloud(self) -> None:
        print(json.dumps(asdict(self)), flush=True)


def main() -> None:
    place = Place("paths.publish", sys.argv[1])
    for line in sys.stdin:
        _send(place, str(json.loads(line)))


def _send(place: Place, folder: str) -> None:
    try:
        artifact = Artifact(Path(folder), manifests.read(Path(folder)))
        sent = send(place, artifact, lambda text: Said(folder, text=text).aloud())
    except (RecipeError, OSError) as error:
        Said(folder, FAILED, text=str(error)).aloud()
    else:
        Said(folder, sent.state, sent.bytes).aloud()


if __name__ == "__main__":
    main()
