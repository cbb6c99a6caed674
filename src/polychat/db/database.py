"""One open database: connects at its first use, makes its tables, and gives out transactions."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

from polychat.db.address import Address
from polychat.errors import DatabaseUnavailable, SetupError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

log = logging.getLogger(__name__)

CLOSE_TIMEOUT_S = 1.0
SCHEMA = "0002"  # the newest revision in migrations/versions


class Database:
    """A database that may be used from one event loop."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._engine: AsyncEngine | None = None
        self._opening = asyncio.Lock()
        self._trouble = ""

    async def open(self) -> None:
        """Connect and bring the tables up to date, if that has not been done.

        Raises:
            SetupError: it cannot be reached or used.
        """
        async with self._opening:
            if self._engine is None:
                connect = await asyncio.to_thread(_connector)  # the import must not hold up other requests
                self._engine = await connect(self.address, SCHEMA)

    @property
    def is_open(self) -> bool:
        return self._engine is not None

    async def require(self) -> None:
        """Open it now, if that has not been done.

        Raises:
            DatabaseUnavailable: it cannot be used.
        """
        try:
            await self.open()
        except SetupError as exc:
            self._complain(str(exc))
            raise DatabaseUnavailable from exc

    async def close(self) -> None:
        """Give back every connection, without waiting for a server that hangs. Safe to call at any time."""
        engine, self._engine = self._engine, None
        if engine is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await engine.dispose()

    def reading(self) -> "contextlib.AbstractAsyncContextManager[AsyncConnection]":
        """A transaction that only reads.

        Raises:
            DatabaseUnavailable: nothing can be read now.
        """
        return self._transaction(is_write=False)

    def writing(self) -> "contextlib.AbstractAsyncContextManager[AsyncConnection]":
        """A transaction, committed when the block ends without an exception.

        Raises:
            DatabaseUnavailable: nothing can be written now.
        """
        return self._transaction(is_write=True)

    @contextlib.asynccontextmanager
    async def _transaction(self, *, is_write: bool) -> "AsyncIterator[AsyncConnection]":
        await self.require()
        assert self._engine is not None
        from sqlalchemy.exc import SQLAlchemyError

        try:  # writers take SQLite's lock when they begin: nobody can come between their reads and writes
            async with self._engine.execution_options(is_write=is_write).begin() as connection:
                yield connection
        except (SQLAlchemyError, OSError) as exc:
            self._complain(f"{self.address.shown}: {_reason(exc)}")
            raise DatabaseUnavailable from exc
        self._trouble = ""

    def _complain(self, trouble: str) -> None:
        """Log it, once for as long as it stays: what writes behind requests tries again and again."""
        if trouble != self._trouble:
            log.error("%s", trouble)
        self._trouble = trouble


def _reason(exc: Exception) -> str:
    """In one line, and without the statement: what people said is in its values."""
    return " ".join(str(getattr(exc, "orig", None) or exc).split("\n")[0].split()) or type(exc).__name__


def _connector() -> "Callable[[Address, str], Awaitable[AsyncEngine]]":
    from polychat.db.connect import connect

    return connect
