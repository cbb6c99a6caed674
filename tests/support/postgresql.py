"""A real PostgreSQL server for tests, from the programs that are installed on this machine."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.processes import descendants, free_port, wait_until

USER, PASSWORD, NAME = "polychat", "s3cret", "postgres"


class Server:
    """One that may be stopped and started again, with what it holds."""

    def __init__(self, folder: Path) -> None:
        self._owner = "postgres" if os.geteuid() == 0 else None  # it does not run as root
        self._folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        _make(folder, self._owner)

    @property
    def url(self) -> str:
        return self.url_at(self.port)

    def url_at(self, port: int) -> str:
        """As seen through something that listens on another port."""
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{port}/{NAME}"

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                _program("postgres"),
                "-D",
                self._folder / "data",
                "-p",
                str(self.port),
                *_settings(self._folder),
            ],
            user=self._owner,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: _accepts(self.port), timeout_s=30, what=f"PostgreSQL on port {self.port}")

    def stop(self) -> None:
        """Safe to call twice."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # what PostgreSQL calls a fast shutdown
            self._process.wait(30)
            self._process = None

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """While the block runs none of its processes does anything, though all are there."""
        assert self._process is not None
        pids = [self._process.pid, *descendants(self._process.pid)]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)


@contextmanager
def server() -> Iterator[Server]:
    """One that runs, with an empty database; gone when the block ends.

    Raises:
        FileNotFoundError: PostgreSQL is not installed (`apt-get install postgresql`).
    """
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        made = Server(folder)
        try:
            made.start()
            yield made
        finally:
            made.stop()
    finally:
        shutil.rmtree(folder)


@contextmanager
def running_server() -> Iterator[str]:
    """The URL of an empty database, with its password, on a server that ends with the block.

    Raises:
        FileNotFoundError: PostgreSQL is not installed (`apt-get install postgresql`).
    """
    with server() as running:
        yield running.url


def _make(folder: Path, owner: str | None) -> None:
    (folder / "password").write_text(PASSWORD)
    if owner is not None:
        shutil.chown(folder, owner)
        shutil.chown(folder / "password", owner)
    flags = ("-A", "scram-sha-256", "-U", USER, f"--pwfile={folder}/password", "--no-sync", "-D")
    subprocess.run(
        [_program("initdb"), *flags, folder / "data"], user=owner, cwd=folder, check=True, capture_output=True
    )


def _settings(folder: Path) -> list[str]:
    settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": str(folder), "fsync": "off"}
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def _accepts(port: int) -> bool:
    done = subprocess.run(
        [_program("pg_isready"), "-h", "127.0.0.1", "-p", str(port)], capture_output=True, check=False
    )
    return done.returncode == 0


def _program(name: str) -> str:
    """Debian keeps the server's programs out of PATH."""
    if found := shutil.which(name):
        return found
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    if not places:
        raise FileNotFoundError(f"{name} is not installed; apt-get install postgresql")
    return str(places[-1])
