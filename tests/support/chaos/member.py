"""One process of a site, on a fixed port, restarted when it ends as systemd or `polychat up` would."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.processes import descendants, environment


@dataclass
class Member:
    """`python -m polychat ARGUMENTS`, its output in a file."""

    name: str
    arguments: tuple[str, ...]
    folder: Path  # POLYCHAT_HOME of the site
    lives: list[int] = field(default_factory=list)  # pids, the present one last
    is_wanted: bool = True  # restart it when it ends
    is_stopped: bool = False  # by SIGSTOP
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def pid(self) -> int:
        return self.lives[-1]

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def returncode(self) -> int | None:
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start it, or start it again. It ends when we do, as we hold its standard input."""
        self._close()
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "polychat", *self.arguments],
                env=environment({"POLYCHAT_HOME": str(self.folder), "POLYCHAT_LIFELINE": "1"}),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.lives.append(self._process.pid)
        self.is_stopped = False

    def send(self, number: signal.Signals) -> None:
        if self._process is not None and self.is_alive:
            self._process.send_signal(number)
            self.is_stopped = number is signal.SIGSTOP

    def kill_child(self) -> bool:
        """SIGKILL to what it has started, deepest first; whether there was any."""
        children = sorted(descendants(self.pid), reverse=True)
        for pid in children[:1]:
            os.kill(pid, signal.SIGKILL)
        return bool(children)

    def end(self, *, timeout_s: float = 15.0) -> int:
        """SIGTERM, SIGKILL if that does not do; its exit status."""
        self.is_wanted = False
        if self._process is None:
            return 0
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._close()
        return self._process.returncode

    def _close(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
