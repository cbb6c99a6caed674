"""A server that launch specifications can start: it listens where their flags say, and answers as asked.

Run as a script, with SETTINGS in its environment; `install` makes a program of it in a folder.
"""

import json
import os
import shlex
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

SETTINGS = "FAKE_PROGRAM"
_PORTS = ("--port", "--server-port", "--rest_port", "--api-port")
_KEYS = ("--api-key", "--api-keys")


@dataclass(frozen=True)
class Settings:
    """What the server is like."""

    name: str = ""  # the only model it knows; "": any. Told later with a POST to /fake/NAME
    log: str = ""  # a file with what it says at its start
    metrics: str = ""  # a file with its metrics
    fails: bool = False  # ends after its log, with status 1
    failing_step: str = ""  # this word as the first one ends with status 1


def install(folder: Path, settings: Settings) -> Path:
    """The program; also a second one beside it whose name ends with -local, as Xinference has."""
    setting = shlex.quote(json.dumps(asdict(settings)))
    script = f'#!/bin/sh\n{SETTINGS}={setting} exec {sys.executable} {__file__} "$@"\n'
    for name in ("python-fake", "python-fake-local"):
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    return folder / "python-fake"


def main(words: list[str]) -> int:
    settings = Settings(**json.loads(os.environ[SETTINGS]))
    if words[0] == settings.failing_step:
        sys.stderr.write("Error: pull model manifest: file does not exist\n")
        return 1
    if words[0] in ("pull", "run", "cp", "create", "launch"):
        return _tell(words)
    if settings.log:
        sys.stderr.write(Path(settings.log).read_text().partition("\n")[2])
    if settings.fails:
        return 1
    _serve(words, settings)
    return 0


def _tell(words: list[str]) -> int:
    """A step of a server that learns its model later."""
    name = _after(words, "--model-uid") or words[-1]
    root = _after(words, "--endpoint") or f"http://{os.environ.get('OLLAMA_HOST')}"
    if name:
        urllib.request.urlopen(urllib.request.Request(f"{root}/fake/{name}", method="POST")).close()
    return 0


def _serve(words: list[str], settings: Settings) -> None:
    port = _first(words, _PORTS) or os.environ["OLLAMA_HOST"].rpartition(":")[2]
    Handler.key = _first(words, _KEYS) or os.environ.get("API_KEY", "")
    Handler.names = {settings.name} - {""}
    Handler.metrics = Path(settings.metrics).read_bytes() if settings.metrics else b""
    ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()


class Handler(BaseHTTPRequestHandler):
    """One server in one process, so what it knows is the class's."""

    key = ""
    names: ClassVar[set[str]] = set()
    metrics = b""

    def do_GET(self) -> None:
        if self.path == "/metrics":
            self._answer(200, self.metrics)
        elif self.path == "/v1/models":
            self._answer(200, json.dumps({"data": [{"id": name} for name in self.names]}).encode())
        elif self.path.startswith("/v1/models/"):
            self._answer(200 if self.path.removeprefix("/v1/models/") in self.names else 404, b"{}")
        else:
            self._answer(200, b"{}")

    def do_POST(self) -> None:
        if self.path.startswith("/fake/"):
            self.names.add(self.path.removeprefix("/fake/"))
            self._answer(200, b"{}")
            return
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.key and self.headers["authorization"] != f"Bearer {self.key}":
            self._answer(401, b'{"error":{"message":"no key"}}')
        elif self.names and request["model"] not in self.names:
            self._answer(404, b'{"error":{"message":"no such model"}}')
        else:
            self._answer(200, _completion(request["model"], self.path))

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _completion(model: str, path: str) -> bytes:
    message = {"role": "assistant", "content": f"{model} at {path}"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    about = {"id": "chatcmpl-1", "object": "chat.completion", "created": int(time.time()), "model": model}
    return json.dumps({**about, "choices": [choice], "usage": usage}).encode()


def _first(words: list[str], flags: Sequence[str]) -> str:
    return next((_after(words, flag) for flag in flags if flag in words), "")


def _after(words: list[str], flag: str) -> str:
    return words[words.index(flag) + 1] if flag in words else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
