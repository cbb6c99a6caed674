"""A small model hub on 127.0.0.1: what it takes to list and download, as Hugging Face and as ModelScope."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"

_INFO = re.compile(r"/api/models/(?P<repo>[^/]+/[^/?]+)(/revision/(?P<revision>[^/?]+))?(\?.*)?")
_FILE = re.compile(r"/(?P<repo>[^/]+/[^/?]+)/resolve/(?P<revision>[^/]+)/(?P<name>[^?]+)")
_MODELSCOPE = re.compile(r"/api/v1/models/(?P<repo>[^/]+/[^/]+)/repo(?P<files>/files)?")
_LARGE = (".safetensors", ".gguf", ".bin")  # kept in LFS, whose checksums the hubs tell


@dataclass
class FakeHub:
    """Repositories by id, each a map from file name to content."""

    repos: dict[str, dict[str, bytes]]
    gated: set[str] = field(default_factory=set)
    break_after_bytes: int | None = None  # the next download ends there, as when a network goes away
    damaged: set[str] = field(default_factory=set)  # files that are sent with another first byte
    quantised: dict[str, str] = field(default_factory=dict)  # repository -> one with GGUF files of its model
    url: str = ""
    requests: list[str] = field(default_factory=list)  # "GET /path" or "GET /path bytes=10-"

    @property
    def downloads(self) -> list[str]:
        return [line for line in self.requests if line.startswith("GET") and _is_download(line)]


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
        if match := _MODELSCOPE.fullmatch(urlsplit(self.path).path):
            self._modelscope(match["repo"], is_listing=bool(match["files"]))
        elif urlsplit(self.path).path == "/api/models":
            self._search()
        elif match := _INFO.fullmatch(self.path):
            self._info(match["repo"], match["revision"] or "main")
        elif match := _FILE.match(self.path):
            self._file(match["repo"], match["revision"], match["name"], with_body=with_body)
        else:
            self._refuse(404, "EntryNotFound")

    def _info(self, repo: str, revision: str) -> None:
        if self._is_refused(repo, revision):
            return
        files = [
            {"rfilename": name, "size": len(data), "blobId": _git_sha1(data), "lfs": _lfs(name, data)}
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
        self._send_from(name, data, headers, with_body=with_body)

    def _search(self) -> None:
        """Models by tags, as far as polychat asks."""
        tags = parse_qs(urlsplit(self.path).query).get("filter", [])
        bases = [tag.removeprefix("base_model:quantized:") for tag in tags]
        found = [{"id": self.the_hub.quantised[base]} for base in bases if base in self.the_hub.quantised]
        self._send(200, json.dumps(found if "gguf" in tags else []).encode(), {})

    def _modelscope(self, repo: str, *, is_listing: bool) -> None:
        query = parse_qs(urlsplit(self.path).query)
        files = self.the_hub.repos.get(repo)
        if files is None or query.get("Revision") != ["master"]:
            self._send(404, b'{"Code": 10010205001, "Message": "not found", "Success": false}', {})
        elif repo in self.the_hub.gated:
            self._send(403, b'{"Code": 10010101003, "Message": "no permission", "Success": false}', {})
        elif is_listing:
            listed = [_modelscope_file(name, data) for name, data in files.items()]
            tree = {"Name": "folder", "Path": "folder", "Type": "tree", "Size": 0}
            self._send(200, json.dumps({"Code": 200, "Data": {"Files": [tree, *listed]}}).encode(), {})
        else:
            (name,) = query["FilePath"]
            self._send_from(name, files[name], {"accept-ranges": "bytes"}, with_body=True)

    def _send_from(self, name: str, data: bytes, headers: dict[str, str], *, with_body: bool) -> None:
        if name in self.the_hub.damaged:
            data = bytes([data[0] ^ 1]) + data[1:]
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
        if limit is not None and len(body) > limit and _is_download(self.path):
            self.the_hub.break_after_bytes = None
            self.close_connection = True
            body = body[:limit]
        self.wfile.write(body)


def _etag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _git_sha1(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _lfs(name: str, data: bytes) -> dict[str, object] | None:
    return {"size": len(data), "sha256": _etag(data), "pointerSize": 134} if name.endswith(_LARGE) else None


def _modelscope_file(name: str, data: bytes) -> dict[str, object]:
    return {"Name": name, "Path": name, "Type": "blob", "Size": len(data), "Sha256": _etag(data)}


def _is_download(line: str) -> bool:
    return "/resolve/" in line or "FilePath=" in line
