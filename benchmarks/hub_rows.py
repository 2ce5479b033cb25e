"""Rows of a data set of the hub: fetched and read file by file, or by `datasets` in its two ways.

    .venv/bin/python -m benchmarks.hub_rows [--rows 200000] [--bytes 1500]

A hub on loopback has one set of Parquet files. Each way reads all rows in a process of its own,
with an empty cache, and then once more: seconds, bytes that the hub sent, bytes that lie in HF_HOME
afterwards, and the greatest memory of the process.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.hub.hub_world import Handler, Hub

NAME = "bench/rows"
FILES = 8
READ = {
    "file by file": """
from types import SimpleNamespace as S
from stages.settings.hub import Hub
from stages.rows.hub_parts import hub_parts
hub = Hub(6, 1.0, 60.0, 30.0, 0.98, 0.5)
asked = S(path=NAME, subset=None, split="train", revision=None, files=None, hub=hub)
count = sum(len(row["text"]) > 0 for part in hub_parts(asked, (), "bench") for _, row in part.rows)
""",
    "load_dataset": """
from datasets import load_dataset
count = sum(len(row["text"]) > 0 for row in load_dataset(NAME, split="train"))
""",
    "load_dataset, streaming": """
from datasets import load_dataset
count = sum(len(row["text"]) > 0 for row in load_dataset(NAME, split="train", streaming=True))
""",
}
MEASURE = """
import json, re, time
start = time.monotonic()
{read}
# Not getrusage: a process that is started has the peak of the one that started it.
peak = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1000
print(json.dumps([count, time.monotonic() - start, peak]))
"""


def made(rows: int, size: int) -> dict[str, bytes]:
    """Files of rows of random letters, which do not shrink."""
    draw = random.Random(0)
    files = {}
    for number in range(FILES):
        texts = [draw.randbytes(size // 2).hex() for _ in range(rows // FILES)]
        file = io.BytesIO()
        table = pa.table({"id": list(range(len(texts))), "text": texts})
        pq.write_table(table, file, row_group_size=1000)
        files[f"data/train-{number:05d}-of-{FILES:05d}.parquet"] = file.getvalue()
    return files


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--bytes", type=int, default=1500, help="of a row's text")
    options = parser.parse_args()
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("OneHub", (Handler,), {"hub": hub}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    files = made(options.rows, options.bytes)
    hub.put(NAME, files)
    whole = sum(map(len, files.values())) / 1e6
    print(f"{options.rows:,} rows, {whole:.0f} MB\n")
    print(f"{'':26} {'time':>8} {'sent':>8} {'on disk':>9} {'memory':>9}")
    for name, read in READ.items():
        with tempfile.TemporaryDirectory() as home:
            for turn in ("", " again"):
                print(measured(name + turn, read, hub, home, server.server_port), flush=True)


def measured(name: str, read: str, hub: Hub, home: str, port: int) -> str:
    """One line of the table."""
    hub.sent.clear()
    address = {"HF_ENDPOINT": f"http://127.0.0.1:{port}", "HF_HOME": home, "HF_HUB_OFFLINE": "0"}
    code = f"NAME = {NAME!r}\n" + MEASURE.format(read=read)
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | address, capture_output=True, text=True
    )
    if done.returncode:
        return f"{name:26} failed: {done.stderr.strip().splitlines()[-1]}"
    _, seconds, memory = json.loads(done.stdout.splitlines()[-1])
    sent = sum(hub.sent.values()) / 1e6
    disk = sum(f.stat().st_size for f in Path(home).rglob("*") if f.is_file()) / 1e6
    return f"{name:26} {seconds:6.1f} s {sent:5.0f} MB {disk:6.0f} MB {memory:6.0f} MB"


if __name__ == "__main__":
    main()
