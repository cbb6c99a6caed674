"""A supervised child process: its life hangs on ours, its last words are kept, it never outlives `stop`."""

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from io import FileIO
from pathlib import Path

from polychat import lifeline

TAIL_LINES = 50
LINE_LIMIT_BYTES = 1 << 16
LOG_LIMIT_BYTES = 10 << 20

OnLine = Callable[[str], None]


class Child:
    """One child process in a session of its own, so that Ctrl-C in a terminal reaches only us.

    Its standard input is a lifeline (see `polychat.lifeline`), its standard output is read line by line with
    `read_line`, its standard error is its log.
    """

    def __init__(
        self, process: asyncio.subprocess.Process, log_path: Path | None, on_line: OnLine | None = None
    ) -> None:
        self._process = process
        self._on_line = on_line
        self._lines: deque[str] = deque(maxlen=TAIL_LINES)
        self._log = asyncio.create_task(self._keep_log(log_path), name=f"log of {process.pid}")

    @classmethod
    async def spawn(
        cls,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        log_path: Path | None = None,
        on_line: OnLine | None = None,
    ) -> "Child":
        """Start `argv` with our environment plus `env`.

        `log_path` and `on_line` get what it writes to standard error, line by line.
        """
        process = await asyncio.create_subprocess_exec(
            *argv,
            env={**os.environ, **env, lifeline.ENABLED: "1"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            limit=LINE_LIMIT_BYTES,
        )
        return cls(process, log_path, on_line)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def tail(self) -> str:
        """The last lines of its log."""
        return "\n".join(self._lines)

    async def read_line(self) -> str:
        """The next line of its standard output; "" once that has ended."""
        assert self._process.stdout is not None, "spawned with a pipe"
        return (await self._process.stdout.readline()).decode(errors="replace").rstrip("\n")

    async def wait(self) -> str:
        """Wait until it has ended and its log is complete; say how it ended."""
        status = await self._process.wait()
        self._end_group()
        await self._finish_log()
        return describe_exit(status)

    async def stop(self, *, grace_s: float = 1.0) -> None:
        """Ask it to end, kill it if it has not within `grace_s`; gone on return. Safe to call twice."""
        self._signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), grace_s)
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await self._process.wait()
        self._end_group()
        await self._finish_log()

    def _end_group(self) -> None:
        """What it has started and left behind ends with it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is None:
            try:
                self._process.send_signal(number)
            except ProcessLookupError:
                return

    async def _finish_log(self) -> None:
        await asyncio.wait([self._log], timeout=1)  # no longer: a grandchild may still hold the pipe
        self._log.cancel()

    async def _keep_log(self, log_path: Path | None) -> None:
        stream = self._process.stderr
        assert stream is not None, "spawned with a pipe"
        with _open_log(log_path) as log_file:
            while line := await _read_line(stream):
                text = line.decode(errors="replace").rstrip("\n")
                self._lines.append(text)
                if self._on_line is not None:
                    self._on_line(text)
                with contextlib.suppress(OSError):  # a full disk must not stop the child's writing
                    log_file.write(line)


def describe_exit(status: int) -> str:
    """One line on a status as asyncio reports it: below zero is a signal's number."""
    if status >= 0:
        return f"exited with status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"


async def _read_line(stream: asyncio.StreamReader) -> bytes:
    """The next line, or the next piece of one that is longer than the stream's limit; b"" at the end."""
    try:
        return await stream.readuntil(b"\n")
    except asyncio.IncompleteReadError as exc:
        return exc.partial
    except asyncio.LimitOverrunError as exc:
        return await stream.readexactly(exc.consumed)


def _open_log(log_path: Path | None) -> FileIO:
    """Go on with a log of an earlier life unless it has grown out of hand."""
    path = log_path or Path(os.devnull)
    is_too_long = path.exists() and path.stat().st_size > LOG_LIMIT_BYTES
    return FileIO(path, "w" if is_too_long else "a")
