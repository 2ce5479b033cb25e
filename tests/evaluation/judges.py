"""Judges behind an OpenAI-compatible server that decide by rule, in place of a large model."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from pipeline.artifact import Artifact
from stages.rollout.server_engine import Served

#: What a judge says, from the reference and the answer as its prompt shows them.
Rule = Callable[[str, str], str]

_SHOWN = re.compile(
    r"<reference>\n(?P<reference>.*?)\n</reference>\n\n<answer>\n(?P<answer>.*)\n</answer>",
    re.DOTALL,
)


class JudgeServer:
    """A served model that judges by a rule; `seen` is what it was asked, in any order."""

    def __init__(self, rule: Rule) -> None:
        self.rule, self.seen = rule, list[str]()
        judge = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                asked = body["messages"][-1]["content"]
                judge.seen.append(asked)
                shown = _SHOWN.search(asked)
                assert shown is not None, asked
                message = {"content": judge.rule(shown["reference"], shown["answer"])}
                answer = {"choices": [{"message": message, "finish_reason": "stop"}]}
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def artifact(self, folder: Path) -> Artifact:
        """The published artifact of the kind served_model."""
        Served(f"http://127.0.0.1:{self._server.server_port}/v1", "v3").write(folder / "model")
        manifest = {"stage": "v3", "type": "served_model", "fingerprint": "c" * 16, "facts": {}}
        return Artifact(folder, manifest)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
