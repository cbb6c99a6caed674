"""A process that ends when the one that started it does, even if that one was killed.

The parent keeps the write end of the child's standard input open and never writes. When the parent is gone,
by whatever signal, the kernel closes it and the child reads the end of the file. Works on Linux and macOS
alike, unlike prctl.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable

ENABLED = "POLYCHAT_LIFELINE"
"""Set to "1" in a child's environment by a parent that holds its standard input."""


def hold(*, on_cut: Callable[[], None] | None = None) -> None:
    """Call `on_cut` from a thread once standard input ends; by default send ourselves SIGTERM."""
    threading.Thread(target=_wait, args=(on_cut or _terminate,), name="lifeline", daemon=True).start()


def _wait(on_cut: Callable[[], None]) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    on_cut()


def _terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
