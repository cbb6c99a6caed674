"""A real PostgreSQL server for tests, from the programs that are installed on this machine."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.processes import free_port, wait_until

USER, PASSWORD, NAME = "polychat", "s3cret", "postgres"


@contextmanager
def running_server() -> Iterator[str]:
    """The URL of an empty database, with its password, on a server that ends with the block.

    Raises:
        FileNotFoundError: PostgreSQL is not installed (`apt-get install postgresql`).
    """
    owner = "postgres" if os.geteuid() == 0 else None  # it does not run as root
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        _make(folder, owner)
        port = free_port()
        with subprocess.Popen(
            [_program("postgres"), "-D", folder / "data", "-p", str(port), *_settings(folder)],
            user=owner,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as server:
            try:
                wait_until(lambda: _accepts(port), timeout_s=30, what=f"PostgreSQL on port {port}")
                yield f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{port}/{NAME}"
            finally:
                server.send_signal(signal.SIGINT)  # what PostgreSQL calls a fast shutdown
    finally:
        shutil.rmtree(folder)


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
