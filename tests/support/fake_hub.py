"""A small model hub on 127.0.0.1: the few routes that huggingface_hub calls to list and download."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"

_INFO = re.compile(r"/api/models/(?P<repo>[^/]+/[^/?]+)(/revision/(?P<revision>[^/?]+))?(\?.*)?")
_FILE = re.compile(r"/(?P<repo>[^/]+/[^/?]+)/resolve/(?P<revision>[^/]+)/(?P<name>[^?]+)")


@dataclass
class FakeHub:
    """Repositories by id, each a map from file name to content."""

    repos: dict[str, dict[str, bytes]]
    gated: set[str] = field(default_factory=set)
    break_after_bytes: int | None = None  # the next download ends there, as when a network goes away
    url: str = ""
    requests: list[str] = field(default_factory=list)  # "GET /path" or "GET /path bytes=10-"

    @property
    def downloads(self) -> list[str]:
        return [line for line in self.requests if line.startswith("GET") and "/resolve/" in line]


@contextmanager
def serving(hub: FakeHub) -> Iterator[FakeHub]:
    """Serve `hub` at `hub.url` inside the block."""

    class Handler(_Handler):
        the_hub = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    the_hub: FakeHub

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, format: str, *args: object) -> None:
        wanted = self.headers.get("Range") if self.headers else None
        self.the_hub.requests.append(f"{self.command} {self.path}" + (f" {wanted}" if wanted else ""))

    def _answer(self, *, with_body: bool) -> None:
        if match := _INFO.fullmatch(self.path):
            self._info(match["repo"], match["revision"] or "main")
        elif match := _FILE.match(self.path):
            self._file(match["repo"], match["revision"], match["name"], with_body=with_body)
        else:
            self._refuse(404, "EntryNotFound")

    def _info(self, repo: str, revision: str) -> None:
        if self._is_refused(repo, revision):
            return
        files = [
            {"rfilename": name, "size": len(data), "blobId": _etag(data), "lfs": None}
            for name, data in self.the_hub.repos[repo].items()
        ]
        body = json.dumps({"id": repo, "modelId": repo, "sha": COMMIT, "siblings": files}).encode()
        self._send(200, body, {"content-type": "application/json"})

    def _file(self, repo: str, revision: str, name: str, *, with_body: bool) -> None:
        if self._is_refused(repo, revision):
            return
        if repo in self.the_hub.gated:
            self._refuse(403, "GatedRepo")
            return
        data = self.the_hub.repos[repo].get(name)
        if data is None:
            self._refuse(404, "EntryNotFound")
            return
        headers = {"etag": f'"{_etag(data)}"', "x-repo-commit": COMMIT, "accept-ranges": "bytes"}
        begin = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").partition("-")[0])
        if begin:
            headers["content-range"] = f"bytes {begin}-{len(data) - 1}/{len(data)}"
        self._send(206 if begin else 200, data[begin:], headers, with_body=with_body)

    def _is_refused(self, repo: str, revision: str) -> bool:
        if repo not in self.the_hub.repos:
            self._refuse(401, "RepoNotFound")  # what the hub answers about repositories one may not see
            return True
        if revision not in ("main", COMMIT):
            self._refuse(404, "RevisionNotFound")
            return True
        return False

    def _refuse(self, status: int, code: str) -> None:
        self._send(status, b"", {"x-error-code": code, "x-error-message": code})

    def _send(self, status: int, body: bytes, headers: dict[str, str], *, with_body: bool = True) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if not with_body:
            return
        limit = self.the_hub.break_after_bytes
        if limit is not None and len(body) > limit:
            self.the_hub.break_after_bytes = None
            self.close_connection = True
            body = body[:limit]
        self.wfile.write(body)


def _etag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
