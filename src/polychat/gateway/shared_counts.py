"""The requests at each replica of all gateway processes of this host, in memory that they share.

Each process counts in a cell of its own, so that counting takes no lock and a process that dies takes no
count with it. A replica has a row as long as one process at least knows it; rows are given under a lock.
"""

import logging
import struct
from collections.abc import Collection
from pathlib import Path
from typing import Protocol

import xxhash

from polychat.gateway.shared_file import SharedFile

log = logging.getLogger(__name__)

MAX_PROCESSES = 32
MAX_REPLICAS = 16_384
_LAYOUT = "1"
_HEAD = (
    64  # bytes; the first cell: how many processes to look at, the next one: those that are there, as bits
)
_ID = 16
_IDS = _HEAD
_KNOWN_BY = _IDS + MAX_REPLICAS * _ID  # of each replica: the processes that count there, as bits
_COUNTS = _KNOWN_BY + MAX_REPLICAS * 8
SIZE = _COUNTS + MAX_REPLICAS * MAX_PROCESSES * 4


class Counts(Protocol):
    """What a dispatcher needs of them."""

    num_processes: int

    def begin(self, replica_id: str) -> None:
        """A request of this process goes to a replica."""

    def end(self, replica_id: str) -> None:
        """One has ended."""

    def others(self, replica_id: str) -> int:
        """The requests that other processes have there at this moment."""

    def keep_only(self, ids: Collection[str]) -> None:
        """Forget replicas that are gone, once nothing of ours is there."""

    def give_back(self) -> int:
        """Clear the counts of processes that have died; of how many."""

    def close(self) -> None:
        """Give back what is counted for this process."""


class Alone:
    """The counts of a gateway that shares them with nobody."""

    num_processes = 1

    def begin(self, replica_id: str) -> None:
        """Nobody asks."""

    def end(self, replica_id: str) -> None:
        """Nobody asks."""

    def others(self, replica_id: str) -> int:
        return 0

    def keep_only(self, ids: Collection[str]) -> None:
        """Nothing is kept."""

    def give_back(self) -> int:
        return 0

    def close(self) -> None:
        """Nothing is kept."""


ALONE = Alone()


class SharedCounts:
    """One process's part of them, and its view of the whole."""

    def __init__(self, file: SharedFile) -> None:
        self._file = file
        self._process = file.process
        self._bytes = memoryview(file.memory)
        self._head = self._bytes[:_HEAD].cast("Q")
        self._known_by = self._bytes[_KNOWN_BY:_COUNTS].cast("Q")
        self._counts = self._bytes[_COUNTS:SIZE].cast("i")
        self._rows: dict[str, int] = {}  # replica id -> its row
        self._num = 0
        self._row_of = struct.Struct("")
        self.num_processes = 1
        with file.lock:
            self._clear(self._process)
            self._head[0] = max(self._head[0], self._process + 1)
            self._head[1] |= 1 << self._process
        self.give_back()

    @classmethod
    def shared(cls, folder: Path) -> "SharedCounts":
        """Those in `folder`.

        Raises:
            OSError: the file cannot be made, or too many processes use it.
        """
        return cls(SharedFile.opened(folder, f"replicas-{_LAYOUT}", SIZE, most=MAX_PROCESSES))

    def begin(self, replica_id: str) -> None:
        """A request of this process goes to a replica."""
        if self._head[0] != self._num:
            self._widen()
        self._counts[self._row(replica_id) * MAX_PROCESSES + self._process] += 1

    def end(self, replica_id: str) -> None:
        """One has ended."""
        at = self._row(replica_id) * MAX_PROCESSES + self._process
        assert self._counts[at] > 0, "ends as often as it begins"
        self._counts[at] -= 1

    def of(self, replica_id: str) -> int:
        """The requests of all processes there."""
        if self._head[0] != self._num:
            self._widen()
        row = _COUNTS + self._row(replica_id) * MAX_PROCESSES * 4
        total: int = sum(self._row_of.unpack_from(self._bytes, row))
        return total

    def others(self, replica_id: str) -> int:
        """The requests that other processes have there now; of a process that is new, within a second."""
        row = self._rows.get(replica_id)
        if row is None:
            row = self._row(replica_id)
        at = row * MAX_PROCESSES
        total: int = sum(self._row_of.unpack_from(self._bytes, _COUNTS + at * 4))
        return total - self._counts[at + self._process]

    def keep_only(self, ids: Collection[str]) -> None:
        """Forget replicas that are gone, once nothing of ours is there."""
        gone = [
            id_
            for id_, row in self._rows.items()
            if id_ not in ids and not self._counts[row * MAX_PROCESSES + self._process]
        ]
        if gone:
            with self._file.lock:
                for id_ in gone:
                    self._known_by[self._rows.pop(id_)] &= ~(1 << self._process)

    def give_back(self) -> int:
        """Clear the counts of processes that have died; of how many."""
        num = 0
        for process in range(self._head[0]):
            if process != self._process and self._head[1] >> process & 1:
                num += self._file.clear_if_dead(process, self._clear)
        self._widen()
        return num

    def close(self) -> None:
        """Give back what is counted for this process."""
        with self._file.lock:
            self._clear(self._process)
        self._rows.clear()
        for view in (self._head, self._known_by, self._counts, self._bytes):
            view.release()
        self._file.close()

    def _row(self, replica_id: str) -> int:
        row = self._rows.get(replica_id)
        if row is None:
            with self._file.lock:
                row = self._rows[replica_id] = self._found(xxhash.xxh3_128_digest(replica_id.encode()))
                self._known_by[row] |= 1 << self._process
        return row

    def _found(self, digest: bytes) -> int:
        """The row of a replica that others know, else a free one. Takes the lock to be held."""
        memory, at = self._file.memory, _IDS - 1
        while (at := memory.find(digest, at + 1, _KNOWN_BY)) >= 0:
            if (at - _IDS) % _ID == 0 and self._known_by[(at - _IDS) // _ID]:
                return (at - _IDS) // _ID
        known_by = self._known_by.tolist()
        if 0 not in known_by:
            return MAX_REPLICAS - 1  # which those share that find no room
        row = known_by.index(0)
        self._bytes[_IDS + row * _ID : _IDS + (row + 1) * _ID] = digest
        return row

    def _widen(self) -> None:
        """Heed processes that have come since."""
        self._num = self._head[0]
        self._row_of = struct.Struct(f"{self._num}i")
        self.num_processes = self._head[1].bit_count()

    def _clear(self, process: int) -> None:
        """Takes the lock to be held."""
        own = ~(1 << process)
        for row, known_by in enumerate(self._known_by.tolist()):
            if known_by >> process & 1:
                self._counts[row * MAX_PROCESSES + process] = 0
                self._known_by[row] = known_by & own
        self._head[1] &= own


def opened(folder: Path) -> Counts:
    """The counts in `folder`; if they cannot be used there, only our own."""
    try:
        return SharedCounts.shared(folder)
    except OSError as exc:
        log.error("the requests of other gateways are not seen at once: %s cannot be used (%s)", folder, exc)
        return ALONE
