"""A process that ends when the one that started it does, even if that one was killed.

The parent keeps the write end of the child's standard input open and never writes. When the parent is gone,
by whatever signal, the kernel closes it and the child reads the end of the file. Works on Linux and macOS
alike, unlike prctl.
"""

import os
import signal
import threading
import time
from collections.abc import Callable

ENABLED = "POLYCHAT_LIFELINE"
"""Set to "1" in a child's environment by a parent that holds its standard input."""
ORPHAN_S = 4.0  # how long a process whose parent was killed may take to end


def hold(*, on_cut: Callable[[], None] | None = None) -> None:
    """Call `on_cut` from a thread once standard input ends; by default send ourselves SIGTERM."""
    threading.Thread(target=_wait, args=(on_cut or _terminate,), name="lifeline", daemon=True).start()


def end_with_parent() -> None:
    """When our parent is gone, end as SIGTERM ends us; and whatever hangs, be gone soon after."""

    def end() -> None:
        _terminate()
        time.sleep(ORPHAN_S)
        os._exit(1)

    hold(on_cut=end)


def _wait(on_cut: Callable[[], None]) -> None:
    while os.read(0, 4096):
        pass
    on_cut()


def _terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
