"""The roles' log files: one a role, started afresh with each `up`, never without bound."""

import shutil
from pathlib import Path

MAX_BYTES = 20 * 1024 * 1024
KEPT = 3  # files of earlier runs


def rotate(path: Path) -> None:
    """Move the log of the last run aside: role.log becomes role.log.1, that role.log.2, the oldest goes."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for age in range(KEPT, 0, -1):
        older = path.with_name(f"{path.name}.{age}")
        newer = path.with_name(f"{path.name}.{age - 1}") if age > 1 else path
        if newer.exists():
            newer.replace(older)


def bound(path: Path, *, max_bytes: int = MAX_BYTES) -> None:
    """Keep a copy of a log that has grown too large and empty it.

    Its writer goes on writing at the new end, because it has the file open for appending.
    """
    if path.exists() and path.stat().st_size > max_bytes:
        shutil.copyfile(path, path.with_name(f"{path.name}.1"))
        with path.open("r+b") as log:
            log.truncate(0)


def last_words(path: Path, *, start: int = 0) -> str:
    """The last line of what was logged from byte `start` on that says something; empty if nothing was.

    A command ends with `polychat: reason`, a bug with the traceback's last line; both are the last line,
    unless an interpreter's cleanup chatters after it.
    """
    try:
        with path.open("rb") as log:
            log.seek(max(start, path.stat().st_size - 16_384))
            lines = [line.strip() for line in log.read().decode(errors="replace").splitlines()]
    except OSError:
        return ""
    spoken = [line for line in lines if line]
    reasons = [line.removeprefix("polychat: ") for line in spoken if line.startswith("polychat: ")]
    return (reasons or spoken or [""])[-1]
