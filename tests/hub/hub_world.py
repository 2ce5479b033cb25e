"""A Hugging Face hub on loopback: what its libraries ask for, and all that goes wrong with it.

A `Repo` has commits, each with its files; `hub.faults` are answers that are given in place of the
right ones. `hub.sent` counts the bytes of each file that went out, `hub.asked` has each request.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

CUT, DROP = "cut", "drop"  # a connection that breaks within an answer, or before it
HARM = "harm"  # other bytes than asked for
REPO = r"/(?P<kind>dataset|model)s/(?P<name>[\w.-]+/[\w.-]+)"
API = re.compile(rf"/api{REPO}(/revision/(?P<rev>[^/]+))?")
AUTH = re.compile(rf"/api{REPO}/auth-check")
TREE = re.compile(rf"/api{REPO}/tree/(?P<rev>[^/]+)(/(?P<path>.*))?")
PATHS = re.compile(rf"/api{REPO}/paths-info/(?P<rev>[^/]+)")
FILE = re.compile(r"(/datasets)?/(?P<name>[\w.-]+/[\w.-]+)/resolve/(?P<rev>[^/]+)/(?P<path>.+)")


@dataclass
class Fault:
    """An answer to the next `times` requests whose path holds `where`: a status, CUT or DROP.

    after: bytes that go out before a CUT. head: more headers.
    """

    where: str
    what: int | str
    times: int = 1
    after: int = 0
    head: dict[str, str] = field(default_factory=dict)


@dataclass
class Repo:
    """A data set or model: its commits from the oldest, each the files by path."""

    name: str
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    gated: bool = False
    kind: str = "dataset"

    def commit(self, files: dict[str, bytes]) -> str:
        """A new commit with these files alone; returns its name."""
        content = b"".join(files[path] for path in sorted(files))
        named = f"{self.name}{len(self.commits)}{sorted(files)}".encode()
        made = hashlib.sha1(named + content).hexdigest()  # a commit never changes
        self.commits[made] = files
        return made

    def at(self, revision: str | None) -> str | None:
        newest = list(self.commits)[-1]
        return (
            newest if revision in (None, "main") else revision if revision in self.commits else None
        )


@dataclass
class Hub:
    """What the server knows; `repos` by name."""

    repos: dict[str, Repo] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    down: bool = False  # nobody answers
    ranges: bool = True  # a part of a file may be asked for
    asked: list[str] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)

    def put(self, name: str, files: dict[str, bytes], **more: Any) -> Repo:
        """A new data set with one commit."""
        self.repos[name] = repo = Repo(name, **more)
        repo.commit(files)
        return repo

    def reset(self) -> None:
        self.ranges = True
        self.repos.clear()
        self.faults.clear()
        self.asked.clear()
        self.sent.clear()


def blob(path: str, content: bytes) -> dict[str, Any]:
    """A file as the tree has it: large ones are LFS's, with their checksum."""
    facts: dict[str, Any] = {"size": len(content), "oid": hashlib.sha1(content).hexdigest()}
    if not path.endswith((".md", ".py")):
        lfs = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
        facts["lfs"] = lfs
    return {"type": "file", "path": path, **facts}


class Handler(BaseHTTPRequestHandler):
    """Answers as huggingface.co does, as far as its libraries look."""

    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_POST(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        if self.hub.down:  # the end of a connection that was kept
            self.close_connection = True
            return
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append(f"{self.command} {path}")
        fault = next((one for one in self.hub.faults if one.where in path and one.times), None)
        if fault is not None:
            fault.times -= 1
            if fault.what == DROP:
                self.close_connection = True
                return
            if isinstance(fault.what, int):
                self._send(fault.what, {"error": "as asked for"}, fault.head)
                return
        for pattern, function in (
            (AUTH, self._auth),
            (TREE, self._tree),
            (PATHS, self._paths),
            (API, self._info),
            (FILE, self._file),
        ):
            if found := pattern.fullmatch(path):
                function(found.groupdict(), body, fault)
                return
        self._send(404, {"error": "no such page"})

    def _repo(self, asked: dict[str, str]) -> Repo | None:
        repo = self.hub.repos.get(asked["name"])
        if repo is None:
            self._error(401, "RepoNotFound")
        return repo

    def _files(self, asked: dict[str, str]) -> tuple[Repo, str, dict[str, bytes]] | None:
        repo = self._repo(asked)
        if repo is None:
            return None
        commit = repo.at(asked.get("rev"))
        if commit is None:
            self._error(404, "RevisionNotFound")
            return None
        return repo, commit, repo.commits[commit]

    def _auth(self, asked: dict[str, str], body: bool, fault: Fault | None) -> None:
        repo = self._repo(asked)
        if repo is not None:
            self._error(403, "GatedRepo") if repo.gated else self._send(200, {})

    def _info(self, asked: dict[str, str], body: bool, fault: Fault | None) -> None:
        if (found := self._files(asked)) is None:
            return
        repo, commit, files = found
        siblings = []
        for path, content in files.items():
            known = blob(path, content)
            lfs = known.get("lfs")
            more = {"lfs": {"sha256": lfs["oid"], **lfs}} if lfs else {}
            siblings.append(
                {"rfilename": path, "size": len(content), "blobId": known["oid"], **more}
            )
        gated = "auto" if repo.gated else False
        facts = {"id": repo.name, "sha": commit, "private": False, "gated": gated}
        self._send(200, {**facts, "siblings": siblings, "tags": [], "downloads": 0})

    def _tree(self, asked: dict[str, str], body: bool, fault: Fault | None) -> None:
        if (found := self._files(asked)) is None:
            return
        _, _, files = found
        below = f"{asked['path']}/" if asked.get("path") else ""
        self._send(200, [blob(p, c) for p, c in files.items() if p.startswith(below)])

    def _paths(self, asked: dict[str, str], body: bool, fault: Fault | None) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if (found := self._files(asked)) is None:
            return
        files = found[2]
        self._send(200, [blob(p, files[p]) for p in form.get("paths", []) if p in files])

    def _file(self, asked: dict[str, str], body: bool, fault: Fault | None) -> None:
        if (found := self._files(asked)) is None:
            return
        repo, commit, files = found
        if repo.gated:
            self._error(403, "GatedRepo")
            return
        if asked["path"] not in files:
            self._error(404, "EntryNotFound", {"X-Repo-Commit": commit})
            return
        content = files[asked["path"]]
        self._content(asked["path"], content, commit, body, fault)

    def _content(
        self, path: str, content: bytes, commit: str, body: bool, fault: Fault | None
    ) -> None:
        first, last, status = 0, len(content) - 1, 200
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked and self.hub.ranges:
            first, last, status = int(asked[1]), min(last, int(asked[2] or last)), 206
        part = content[first : last + 1]
        self.send_response(status)
        self.send_header("ETag", f'"{blob(path, content).get("lfs", {"oid": commit})["oid"]}"')
        self.send_header("X-Repo-Commit", commit)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(part)))
        if status == 206:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
        self.end_headers()
        if body:
            cut = fault is not None and fault.what == CUT
            part = part[: fault.after] if fault and cut else part
            self.hub.sent[path] += len(part)
            self.wfile.write(part.upper() if fault and fault.what == HARM else part)
            self.close_connection = cut

    def _error(self, status: int, code: str, head: dict[str, str] | None = None) -> None:
        self._send(status, {"error": code}, {"X-Error-Code": code, **(head or {})})

    def _send(self, status: int, content: Any, head: dict[str, str] | None = None) -> None:
        text = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        for name, value in (head or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)
