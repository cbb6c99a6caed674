"""Which models running workers of this machine use, so that nobody removes one under them.

Each worker keeps a file and a lock on it. The lock goes with the process, however it ends.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from polychat.engines.spec import ModelFiles

_DRAFT = ".new"


class Use(msgspec.Struct, frozen=True):
    """A model that a worker serves."""

    path: str  # of the model's file or folder
    name: str  # that it is served under
    pid: int


@contextmanager
def hold(folder: Path | None, use: Use | None) -> Iterator[None]:
    """Keep the note of `use`, if any, in `folder` inside the block; without a folder nobody is told."""
    if folder is None or use is None:
        yield
        return
    note = folder / f"{use.pid}.json"
    draft = note.with_suffix(_DRAFT)
    with draft.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(msgspec.json.encode(use))
        file.flush()
        draft.rename(note)  # locked before anybody can see it
        try:
            yield
        finally:
            note.unlink(missing_ok=True)


def held(folder: Path) -> list[Use]:
    """What is in use now. Notes that a killed worker left behind are removed."""
    return [use for note in sorted(folder.glob("*.json")) if (use := _read(note)) is not None]


def current(model: ModelFiles | None, name: str) -> Use | None:
    """This process's own use of a model; None if it has none on this disk."""
    if model is None or model.format == "reference":
        return None
    return Use(path=str(model.path.absolute()), name=name, pid=os.getpid())


def _read(note: Path) -> Use | None:
    try:
        with note.open("rb") as file:
            if not _is_locked(file.fileno()):
                note.unlink(missing_ok=True)
                return None
            return msgspec.json.decode(file.read(), type=Use)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
