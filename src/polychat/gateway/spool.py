"""Batches of usage that no database took before their gateway ended, in files for the next one."""

import logging
import os
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path

import msgspec

from polychat.db.usage import Account, Batch, Sums

log = logging.getLogger(__name__)

_Row = tuple[tuple[str, str, str, str, str], tuple[int, int, int, int, int, float, float, float]]


class _Line(msgspec.Struct):
    writer: str
    number: int
    sums: list[_Row]


class Spool:
    """A folder of such files, one for each writer. Only its owner may read them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, batches: Sequence[Batch]) -> Path:
        """Write the batches of one writer down.

        Raises:
            OSError: that does not work.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / f"usage-{batches[0].writer}.jsonl"
        data = b"".join([_encoded(batch) + b"\n" for batch in batches])
        part = path.with_suffix(".part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
        return path

    def files(self) -> list[Path]:
        """What waits to be taken in."""
        return sorted(self._folder.glob("usage-*.jsonl"))

    def batches(self, path: Path) -> list[Batch]:
        """What is in a file of this folder; nothing if another process has taken it in meanwhile."""
        try:
            lines = path.read_bytes().splitlines()
            return [_decoded(line) for line in lines]
        except FileNotFoundError:
            return []
        except msgspec.DecodeError as exc:
            path.rename(path.with_suffix(".broken"))
            log.error("%s is no list of batches (%s); it was set aside", path, exc)
            return []


def _encoded(batch: Batch) -> bytes:
    rows = [(astuple(account), astuple(sums)) for account, sums in batch.sums.items()]
    return msgspec.json.encode({"writer": batch.writer, "number": batch.number, "sums": rows})


def _decoded(line: bytes) -> Batch:
    told = msgspec.json.decode(line, type=_Line)
    return Batch(told.writer, told.number, {Account(*account): Sums(*sums) for account, sums in told.sums})
