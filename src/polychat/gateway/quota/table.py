"""Where the gateways of one host keep the counts of keys together: a file in the memory of all of them.

Each process has a number, which it keeps by a lock on a file; when it dies the lock goes, and another process
clears its counts. Changes are made under one more lock, for microseconds; a process that was stopped in the
midst of them is not waited for much longer than that, so that it cannot stop the others.
"""

import contextlib
import logging
import mmap
import os
import time
from array import array
from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, flock
from pathlib import Path
from types import TracebackType

from polychat.gateway.quota.row import CELLS, ID_CELLS, MAX_PROCESSES, Row

log = logging.getLogger(__name__)

MAX_KEYS = 4096
_LAYOUT = "1"  # in the file's name: another layout is another file
_NUM_ROWS, _NUM_PROCESSES, _IN_USE = 0, 1, 2  # cells of the head; the last: one a process
_HEAD = 64
_SIZE = (_HEAD + MAX_KEYS * CELLS) * 8
_TRIES = 200
_AT_ONCE = LOCK_EX | LOCK_NB


class Table:
    """Rows by key."""

    def __init__(self, memory: mmap.mmap, folder: Path | None, process: int, locks: tuple[int, ...]) -> None:
        self.lock = _Lock(locks[0] if locks else None)
        self._memory = memory
        self._bytes = memoryview(memory)
        self._cells = self._bytes.cast("d")
        self._folder = folder
        self._process = process
        self._locks = locks
        self._rows: dict[str, Row] = {}
        self._num_seen = 0
        self._num_processes = 0
        with self.lock:
            self._join()
        self.give_back()
        with self.lock:
            self._start_anew_if_crowded()

    @classmethod
    def private(cls) -> "Table":
        """Of one process alone."""
        return cls(mmap.mmap(-1, _SIZE), None, 0, ())

    @classmethod
    def shared(cls, folder: Path) -> "Table":
        """The one in `folder`, made if it is not there.

        Raises:
            OSError: it cannot be made, or too many processes use it.
        """
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        process, own = _own_number(folder)
        fd = os.open(folder / f"counts-{_LAYOUT}", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            return cls(_mapped(fd), folder, process, (fd, own))
        except BaseException:
            os.close(fd)
            os.close(own)
            raise

    def row(self, key_id: str) -> Row:
        """The counts of a key, made if there are none. Takes the lock to be held."""
        if self._cells[_NUM_PROCESSES] != self._num_processes:
            self._widen()
        row = self._rows.get(key_id)
        if row is None:
            self._read_rows()
            row = self._rows.get(key_id) or self._new_row(key_id)
        return row

    def give_back(self) -> int:
        """Clear the counts of processes that have died; of how many."""
        num = 0
        for process in range(int(self._cells[_NUM_PROCESSES])):
            if process != self._process and self._cells[_IN_USE + process] and self._is_dead(process):
                num += 1
        return num

    def close(self) -> None:
        """Give back what is counted for this process."""
        with self.lock:
            self._clear(self._process)
        self._rows.clear()
        self._cells.release()
        self._bytes.release()
        with contextlib.suppress(BufferError):  # somebody still holds a row
            self._memory.close()
        for fd in self._locks:
            os.close(fd)
        self._locks = ()

    def _join(self) -> None:
        cells = self._cells
        self._clear(self._process)
        cells[_IN_USE + self._process] = 1.0
        cells[_NUM_PROCESSES] = max(cells[_NUM_PROCESSES], self._process + 1.0)

    def _start_anew_if_crowded(self) -> None:
        """Where nobody else counts, the keys that are no more need not be kept for ever."""
        cells = self._cells
        if cells[_NUM_ROWS] > MAX_KEYS // 2 and sum(cells[_IN_USE : _IN_USE + MAX_PROCESSES]) == 1:
            self._bytes[:] = bytes(_SIZE)
            self._join()

    def _widen(self) -> None:
        """Heed processes that have come since."""
        self._num_processes = int(self._cells[_NUM_PROCESSES])
        for row in self._rows.values():
            row.widen(self._num_processes)

    def _read_rows(self) -> None:
        """Those that other processes have made since."""
        for number in range(self._num_seen, int(self._cells[_NUM_ROWS])):
            at = _HEAD + number * CELLS
            id_ = bytes(self._bytes[at * 8 : (at + ID_CELLS) * 8]).rstrip(b"\0").decode("latin-1")
            self._rows[id_] = self._row_at(at)
        self._num_seen = int(self._cells[_NUM_ROWS])

    def _new_row(self, key_id: str) -> Row:
        if self._num_seen == MAX_KEYS:
            log.error("no room for more than %d keys with limits: %s is counted alone", MAX_KEYS, key_id)
            row = self._rows[key_id] = Row(
                memoryview(array("d", [0.0] * CELLS)), 0, process=0, num_processes=1
            )
            return row
        at = _HEAD + self._num_seen * CELLS
        self._bytes[at * 8 : (at + ID_CELLS) * 8] = key_id.encode("latin-1").ljust(ID_CELLS * 8, b"\0")
        self._num_seen += 1
        self._cells[_NUM_ROWS] = self._num_seen
        row = self._rows[key_id] = self._row_at(at)
        return row

    def _row_at(self, at: int) -> Row:
        return Row(self._cells, at, process=self._process, num_processes=self._num_processes)

    def _is_dead(self, process: int) -> bool:
        """Whether it is; then its counts have been cleared."""
        assert self._folder is not None
        try:
            fd = _locked(self._folder, process)
        except OSError:
            return False
        try:
            with self.lock:
                self._clear(process)
        finally:
            os.close(fd)
        return True

    def _clear(self, process: int) -> None:
        for number in range(int(self._cells[_NUM_ROWS])):
            Row(self._cells, _HEAD + number * CELLS, process=process, num_processes=1).forget_own()
        self._cells[_IN_USE + process] = 0.0


class _Lock:
    """One process at a time, unless one stays inside."""

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


def _own_number(folder: Path) -> tuple[int, int]:
    """A number that no living process has, and the lock that keeps it."""
    for process in range(MAX_PROCESSES):
        with contextlib.suppress(BlockingIOError):
            return process, _locked(folder, process)
    raise OSError(f"{MAX_PROCESSES} processes use {folder} already")


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


def _mapped(fd: int) -> mmap.mmap:
    """The file in memory. All of it is on the disk before: a full one would end the process later."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, 0, _SIZE)
    elif os.fstat(fd).st_size < _SIZE:
        os.truncate(fd, _SIZE)
    return mmap.mmap(fd, _SIZE)
