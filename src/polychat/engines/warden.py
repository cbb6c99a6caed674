"""`python -m polychat.engines.warden PROGRAM ...`: a foreign program that does not outlive its worker.

A program that is not ours knows nothing of `polychat.lifeline`. This process waits between the two: when the
worker is gone, by whatever signal, it kills the program and all that the program has started.
"""

import os
import signal
import subprocess
import sys
from types import FrameType

from polychat import lifeline


def main(argv: list[str]) -> int:
    """Run `argv` in our process group, its output to standard error, and end as it ends."""
    child: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, frame: FrameType | None) -> None:
        if child is not None:
            child.send_signal(number)

    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # our worker decides when we end
    lifeline.hold(on_cut=lambda: os.killpg(os.getpgrp(), signal.SIGKILL))
    try:
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    except OSError as exc:
        sys.exit(f"cannot run {argv[0]}: {exc.strerror or exc}")
    status = child.wait()
    if status < 0:
        signal.signal(-status, signal.SIG_DFL) if -status != signal.SIGKILL else None
        os.kill(os.getpid(), -status)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
