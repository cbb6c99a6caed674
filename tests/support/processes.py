"""Real polychat processes for tests: start one, wait for what it says or serves, end it by its pid."""

import atexit
import functools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self, TypeVar

T = TypeVar("T")

POLL_S = 0.02


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has right now."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """`count` different ports of 127.0.0.1 that nobody has right now."""
    sockets = [socket.socket() for _ in range(count)]
    for sock in sockets:
        sock.bind(("127.0.0.1", 0))
    ports: list[int] = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports


def wait_until(predicate: Callable[[], T], *, timeout_s: float = 10.0, what: str = "") -> T:
    """Poll until `predicate` is true, and return what it returned; an AssertionError after the deadline."""
    deadline_s = time.monotonic() + timeout_s
    while not (value := predicate()):
        assert time.monotonic() < deadline_s, f"not within {timeout_s:g} s: {what or predicate}"
        time.sleep(POLL_S)
    return value


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie that nobody has waited for does not."""
    return any(row.pid == pid for row in _process_table())


def descendants(pid: int) -> dict[int, str]:
    """Every living process below `pid`, with its command line."""
    table = _process_table()
    found: dict[int, str] = {}
    pending = [pid]
    while pending:
        parent = pending.pop()
        for row in table:
            if row.parent == parent:
                found[row.pid] = row.command
                pending.append(row.pid)
    return found


def get_json(url: str, *, api_key: str = "", timeout_s: float = 5.0) -> object:
    """The JSON that `url` answers with 200."""
    request = urllib.request.Request(url)
    if api_key:
        request.add_header("Authorization", f"Bearer {api_key}")
    with _direct.open(request, timeout=timeout_s) as response:
        return json.load(response)


def answers(url: str, *, api_key: str = "") -> bool:
    """Whether `url` answers with 200 now."""
    try:
        get_json(url, api_key=api_key)
    except json.JSONDecodeError:
        return True
    except (OSError, urllib.error.URLError):
        return False
    return True


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Ours, without what a developer has set and stored for polychat, plus `extra`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("POLYCHAT_")}
    state = os.environ.get("XDG_STATE_HOME") or _state()  # a test may have set it
    ours = {"PYTHONUNBUFFERED": "1", "POLYCHAT_CONFIG": os.devnull, "XDG_STATE_HOME": state}
    return kept | ours | dict(extra or {})


@functools.cache
def _state() -> str:
    """A folder for what processes keep when a test gives them none; gone when the tests are."""
    folder = tempfile.mkdtemp(prefix="polychat-state-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


class RoleProcess:
    """`python -m polychat ARGS` as a child in its own session, its output collected as it comes.

    Use it as a context manager, so that nothing outlives the test. The environment is ours plus `env`,
    without any POLYCHAT_* and settings file of the developer.
    """

    def __init__(
        self, *args: str, env: Mapping[str, str] | None = None, stdin: int = subprocess.DEVNULL
    ) -> None:
        self.args = args
        self._process = subprocess.Popen(
            [sys.executable, "-m", "polychat", *args],
            env=environment(env),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._said = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._reader.join(5)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None and not self._reader.is_alive():
                stream.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> str:
        """Everything it has printed so far, both streams."""
        return self._said.decode(errors="replace")

    @property
    def returncode(self) -> int | None:
        return self._process.poll()

    def wait_for_line(self, pattern: str, *, timeout_s: float = 15.0) -> re.Match[str]:
        """Wait until its output matches; an AssertionError that shows the output if it ends before."""

        def found() -> re.Match[str] | None:
            match = re.search(pattern, self.output)
            if match is None and self.returncode is not None:
                self._reader.join(5)
                match = re.search(pattern, self.output)
                assert match, f"ended with {self.returncode} before {pattern!r}:\n{self.output}"
            return match

        match = wait_until(found, timeout_s=timeout_s, what=f"{pattern!r} in the output of {self.args}")
        assert match is not None
        return match

    def wait_until_answers(self, url: str, *, api_key: str = "", timeout_s: float = 15.0) -> None:
        """Wait until `url` answers with 200; an AssertionError that shows the output if it ends before."""

        def ready() -> bool:
            assert self.returncode is None, f"{self.args} ended with {self.returncode}:\n{self.output}"
            return answers(url, api_key=api_key)

        wait_until(ready, timeout_s=timeout_s, what=f"an answer from {url}")

    def wait(self, *, timeout_s: float = 10.0) -> int:
        """Wait until it ends by itself; its exit status."""
        self._process.wait(timeout_s)
        self._reader.join(5)
        assert self._process.returncode is not None
        return self._process.returncode

    def send(self, signal_number: signal.Signals) -> None:
        if self.returncode is None:
            self._process.send_signal(signal_number)

    def kill(self) -> None:
        """SIGKILL, as a crash would end it."""
        self.send(signal.SIGKILL)
        self._process.wait(10)

    def stop(self, *, timeout_s: float = 6.0) -> int:
        """SIGTERM, then SIGKILL if it is still there after `timeout_s`; its exit status."""
        self.send(signal.SIGTERM)
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.wait(10)

    def _read(self) -> None:
        assert self._process.stdout is not None
        while part := os.read(self._process.stdout.fileno(), 65_536):
            self._said += part


_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class _Row(NamedTuple):
    pid: int
    parent: int
    command: str


def _process_table() -> list[_Row]:
    """Every process that is not a zombie. Slim images have no `ps`, macOS has no /proc."""
    if Path("/proc/self/stat").exists():
        return [row for path in Path("/proc").glob("[0-9]*") if (row := _row_of(path))]
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,stat=,args="], capture_output=True, text=True, check=True
    )
    rows = [line.split(None, 3) for line in listing.stdout.splitlines()]
    return [
        _Row(int(pid), int(parent), " ".join(args)) for pid, parent, stat, *args in rows if stat[0] != "Z"
    ]


def _row_of(path: Path) -> _Row | None:
    try:
        state, parent = (path / "stat").read_text().rpartition(")")[2].split()[:2]
        command = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:  # it has ended meanwhile
        return None
    return None if state in "ZX" else _Row(int(path.name), int(parent), command)
