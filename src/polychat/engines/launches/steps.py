"""`python -m polychat.engines.launches.steps UP READY SERVER ... --then STEP ... --then STEP ...`

For a server that is told its model once it runs: it is started, and each step is run when UP answers. After
the last step READY must answer; otherwise, or if a step fails, the server ends and we with it.
"""

import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from types import FrameType

SEPARATOR = "--then"
POLL_S = 0.2
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def words(up: str, ready: str, server: Sequence[str], steps: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The command line of this module."""
    then = [word for step in steps for word in (SEPARATOR, *step)]
    return (sys.executable, "-m", __spec__.name, up, ready, *server, *then)


def main(argv: Sequence[str]) -> int:
    """Run the server until it ends; its exit status."""
    up, ready, *rest = argv
    server_words, *steps = _split(rest)
    server = subprocess.Popen(server_words)

    def pass_on(number: int, frame: FrameType | None) -> None:
        server.send_signal(number)

    signal.signal(signal.SIGTERM, pass_on)
    failure = _prepare(server, up, ready, steps)
    if failure and server.poll() is None:
        sys.stderr.write(f"error: {failure}\n")
        server.terminate()
        server.wait()
        return 1
    return server.wait()


def _prepare(server: "subprocess.Popen[bytes]", up: str, ready: str, steps: Sequence[Sequence[str]]) -> str:
    """Run the steps; what went wrong, if anything."""
    while not _answers(up):
        if server.poll() is not None:
            return "the server has ended"
        time.sleep(POLL_S)
    for step in steps:
        if status := subprocess.run(step, check=False).returncode:
            return f"{' '.join(step)} ended with status {status}"
    return "" if _answers(ready) else f"the model is not there: {ready} does not answer 200"


def _split(rest: Sequence[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for word in rest:
        if word == SEPARATOR:
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def _answers(url: str) -> bool:
    try:
        with _DIRECT.open(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
