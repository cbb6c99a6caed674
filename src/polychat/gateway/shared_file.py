"""A file in the memory of all processes of this host that open it; each has a number for as long as it lives.

A process keeps its number by a lock on a file of its own. When it dies the lock goes, and who gets the lock
may clear what the dead one left.
"""

import contextlib
import mmap
import os
import time
from collections.abc import Callable
from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, flock
from pathlib import Path
from types import TracebackType

_TRIES = 200
_AT_ONCE = LOCK_EX | LOCK_NB


class SharedFile:
    """The memory, our number among those who have it, and the lock under which it is changed."""

    def __init__(self, memory: mmap.mmap, folder: Path | None, process: int, locks: tuple[int, ...]) -> None:
        self.memory = memory
        self.process = process
        self.lock = Lock(locks[0] if locks else None)
        self._folder = folder
        self._locks = locks

    @classmethod
    def private(cls, size: int) -> "SharedFile":
        """Of one process alone."""
        return cls(mmap.mmap(-1, size), None, 0, ())

    @classmethod
    def opened(cls, folder: Path, name: str, size: int, *, most: int) -> "SharedFile":
        """The one of that name, made if it is not there; `most` processes may have it.

        Raises:
            OSError: it cannot be made, or too many processes use it.
        """
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        process, own = _own_number(folder, most)
        fd = os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            return cls(_mapped(fd, size), folder, process, (fd, own))
        except BaseException:
            os.close(fd)
            os.close(own)
            raise

    def clear_if_dead(self, process: int, clear: Callable[[int], None]) -> bool:
        """Whether a process has died; then `clear` has been called with its number, under the lock."""
        assert self._folder is not None, "no others have it"
        try:
            fd = _locked(self._folder, process)
        except OSError:
            return False
        try:
            with self.lock:
                clear(process)
        finally:
            os.close(fd)
        return True

    def close(self) -> None:
        """Let go of the memory, of which no view is left but by accident, and of the number."""
        with contextlib.suppress(BufferError):
            self.memory.close()
        for fd in self._locks:
            os.close(fd)
        self._locks = ()


class Lock:
    """One process at a time, unless one stays inside: that one must not stop the others."""

    def __init__(self, fd: int | None) -> None:
        self._fd = fd

    def __enter__(self) -> None:
        if self._fd is None:
            return
        for _ in range(_TRIES):
            try:
                flock(self._fd, _AT_ONCE)
                return
            except BlockingIOError:
                time.sleep(0)

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._fd is not None:
            flock(self._fd, LOCK_UN)


def _own_number(folder: Path, most: int) -> tuple[int, int]:
    """A number that no living process has, and the lock that keeps it."""
    for process in range(most):
        with contextlib.suppress(BlockingIOError):
            return process, _locked(folder, process)
    raise OSError(f"{most} processes use {folder} already")


def _locked(folder: Path, process: int) -> int:
    """The lock of a number.

    Raises:
        BlockingIOError: a process that lives has it.
    """
    fd = os.open(folder / f"process-{process}", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        flock(fd, _AT_ONCE)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _mapped(fd: int, size: int) -> mmap.mmap:
    """The file in memory. All of it is on the disk before: a full one would end the process later."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, 0, size)
    elif os.fstat(fd).st_size < size:
        os.truncate(fd, size)
    return mmap.mmap(fd, size)
