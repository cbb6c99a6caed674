"""`python -m polychat.engines.warden PROGRAM ...`: a foreign program that does not outlive its worker.

A program that is not ours knows nothing of `polychat.lifeline`. This process waits between the two: when the
worker is gone, by whatever signal, it kills the program and all that the program has started.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

from polychat import lifeline

_TRACKER = b"multiprocessing.resource_tracker"
_GRACE_S, _POLL_S = 1.0, 0.01


def main(argv: list[str]) -> int:
    """Run `argv` in our process group, its output to standard error, and end as it ends."""
    child: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, frame: FrameType | None) -> None:
        if child is not None:
            child.send_signal(number)

    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # our worker decides when we end
    lifeline.hold(on_cut=_end_all)
    try:
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    except OSError as exc:
        sys.exit(f"cannot run {argv[0]}: {exc.strerror or exc}")
    status = child.wait()
    _end_others()
    if status < 0:
        signal.signal(-status, signal.SIG_DFL) if -status != signal.SIGKILL else None
        os.kill(os.getpid(), -status)
    return status


def _end_all() -> None:
    _end_others()
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _end_others() -> None:
    """Kill what is left of our group, but for Python's resource trackers, which then free shared memory."""
    deadline_s = time.monotonic() + _GRACE_S
    while (others := _others()) and time.monotonic() < deadline_s:
        for pid in others:
            if not _is_tracker(pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(_POLL_S)


def _others() -> list[int]:
    """The living processes of our group beside us; none where there is no /proc."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, group = path.read_text().rpartition(")")[2].split()[:3]
            if state not in "ZX" and int(group) == os.getpgrp():
                found.append(int(path.parent.name))
    return [pid for pid in found if pid != os.getpid()]


def _is_tracker(pid: int) -> bool:
    try:
        return _TRACKER in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
