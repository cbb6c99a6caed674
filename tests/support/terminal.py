"""A polychat command in a real terminal (a pseudo-terminal), for what behaves otherwise on a screen."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from tests.support.processes import environment, wait_until

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>()][0-9A-Za-z]?|\r")


class Terminal:
    """`python -m polychat ARGS` on a terminal of 100 columns and 40 lines. Use it as a context manager."""

    def __init__(self, *args: str, env: Mapping[str, str] | None = None) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        # PROMPT_TOOLKIT_NO_CPR: nobody here answers where the cursor is.
        wanted = {"TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1"} | dict(env or {})
        self._process = subprocess.Popen(
            [sys.executable, "-m", "polychat", *args],
            env=environment(wanted),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(slave)
        self._bytes = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)
        self._reader.join(5)
        os.close(self._master)

    @property
    def screen(self) -> str:
        """Everything that was shown, without the escape sequences."""
        return _ESCAPES.sub("", self._bytes.decode(errors="replace"))

    def type(self, keys: str) -> None:
        """Press keys: "\\r" is Enter, "\\x03" Ctrl-C, "\\x04" Ctrl-D, "\\x1b\\r" Alt-Enter."""
        os.write(self._master, keys.encode())

    def wait_for(self, pattern: str, *, timeout_s: float = 15.0) -> None:
        """Wait until what was shown matches; then forget it: the next wait is for what comes later."""
        try:
            wait_until(lambda: re.search(pattern, self.screen), timeout_s=timeout_s)
        except AssertionError as exc:
            raise AssertionError(f"never saw {pattern!r} in:\n{self.screen}") from exc
        self._bytes = b""

    def wait(self, *, timeout_s: float = 10.0) -> int:
        """Wait until the command ends; its exit status."""
        return self._process.wait(timeout_s)

    def _read(self) -> None:
        while True:
            try:
                part = os.read(self._master, 65_536)
            except OSError:  # EIO: the other end is closed
                return
            if not part:
                return
            self._bytes += part


def _take_terminal() -> None:
    """In the child: make standard input the terminal whose keys send us signals."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
