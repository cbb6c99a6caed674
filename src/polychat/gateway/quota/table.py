"""Where the gateways of one host keep the counts of keys together: a file in the memory of all of them.

When a process dies, another one clears its counts. Changes are made under a lock, for microseconds; a process
that was stopped in the midst of them is not waited for much longer than that.
"""

import logging
from array import array
from pathlib import Path

from polychat.gateway.quota.row import CELLS, ID_CELLS, MAX_PROCESSES, Row
from polychat.gateway.shared_file import SharedFile

log = logging.getLogger(__name__)

MAX_KEYS = 4096
_LAYOUT = "1"  # in the file's name: another layout is another file
_NUM_ROWS, _NUM_PROCESSES, _IN_USE = 0, 1, 2  # cells of the head; the last: one a process
_HEAD = 64
_SIZE = (_HEAD + MAX_KEYS * CELLS) * 8


class Table:
    """Rows by key."""

    def __init__(self, file: SharedFile) -> None:
        self.lock = file.lock
        self._file = file
        self._bytes = memoryview(file.memory)
        self._cells = self._bytes.cast("d")
        self._process = file.process
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
        return cls(SharedFile.private(_SIZE))

    @classmethod
    def shared(cls, folder: Path) -> "Table":
        """The one in `folder`, made if it is not there.

        Raises:
            OSError: it cannot be made, or too many processes use it.
        """
        return cls(SharedFile.opened(folder, f"counts-{_LAYOUT}", _SIZE, most=MAX_PROCESSES))

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
            if process != self._process and self._cells[_IN_USE + process]:
                num += self._file.clear_if_dead(process, self._clear)
        return num

    def close(self) -> None:
        """Give back what is counted for this process."""
        with self.lock:
            self._clear(self._process)
        self._rows.clear()
        self._cells.release()
        self._bytes.release()
        self._file.close()

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

    def _clear(self, process: int) -> None:
        for number in range(int(self._cells[_NUM_ROWS])):
            Row(self._cells, _HEAD + number * CELLS, process=process, num_processes=1).forget_own()
        self._cells[_IN_USE + process] = 0.0
