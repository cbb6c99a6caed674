"""Ports of this machine: which is free, and who has one that is not."""

import os
import shutil
import subprocess
from pathlib import Path

from polychat import listen
from polychat.errors import SetupError


def require_free(host: str, port: int, *, flag: str) -> None:
    """Say at once that a role could not listen there.

    Raises:
        SetupError: it could not; names the port, who has it if that can be seen, and the flag.
    """
    try:
        listen.bind(host, port, flag=flag).close()
    except SetupError as exc:
        who = holder(port)
        raise SetupError(f"{exc} ({who})" if who else str(exc)) from exc


def next_free(host: str, first: int, *, taken: frozenset[int] = frozenset()) -> int:
    """The first port from `first` on that is free and not in `taken`.

    Raises:
        SetupError: none of the next hundred is.
    """
    for port in range(first, min(first + 100, 65_536)):
        if port not in taken and is_free(host, port):
            return port
    raise SetupError(f"no port from {first} to {first + 99} is free on {host}; name one with --worker-port")


def is_free(host: str, port: int) -> bool:
    try:
        listen.bind(host, port).close()
    except SetupError:
        return False
    return True


def holder(port: int) -> str:
    """Who listens on a port, such as "process 4711: python -m polychat api"; empty if that cannot be seen."""
    pid = _listener_linux(port) if Path("/proc/net/tcp").exists() else _listener_lsof(port)
    return f"process {pid}: {_command(pid)}" if pid else ""


def _listener_linux(port: int) -> int:
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    if not sockets:
        return 0
    for folder in Path("/proc").glob("[0-9]*/fd"):
        try:
            if any(os.readlink(entry) in sockets for entry in folder.iterdir()):
                return int(folder.parent.name)
        except OSError:  # another user's, or it has ended
            continue
    return 0


def _listening_inodes(port: int) -> list[str]:
    """In /proc/net/tcp field 2 is address:port in hex, 4 the state (0A: listens), 10 the inode."""
    rows = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if Path(table).exists():
            rows += [line.split() for line in Path(table).read_text().splitlines()[1:]]
    return [row[9] for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port]


def _listener_lsof(port: int) -> int:
    lsof = shutil.which("lsof")
    if lsof is None:
        return 0
    argv = [lsof, "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-t"]
    found = subprocess.run(argv, capture_output=True, text=True, check=False).stdout.split()
    return int(found[0]) if found else 0


def _command(pid: int) -> str:
    line = Path(f"/proc/{pid}/cmdline")
    if line.exists():
        words = line.read_bytes().decode(errors="replace").split("\0")
        return " ".join([os.path.basename(words[0]), *words[1:]]).strip()[:120]
    argv = ["ps", "-o", "args=", "-p", str(pid)]
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()[:120]
