"""MLflow as a view of the runs; the run folder and the manifests are the truth.

The runner's side only appends to a journal, `<run>/tracking.jsonl`, which costs a file write and
needs no MLflow. A second process follows the journal and the stages' metrics.jsonl and sends them:
it imports MLflow, waits for a server that is away, and can neither slow a run nor break it.
`send_later` gives the same journal to the same process after the run; what was sent is found by
its tags and not sent again.

    destination.py  a server, or SQLite on a disk of this machine; never on a network disk
    journal.py      what happened, as lines of JSON
    observer.py     the runner's side: writes the journal, starts and awaits the follower
    follower.py     the second process: reads, retries, gives up in time
    view.py         the MLflow calls: runs, parameters, curves, inputs, models
"""

from __future__ import annotations

from pipeline.tracking.observer import build_observer, command, send_later

__all__ = ["build_observer", "command", "send_later"]
