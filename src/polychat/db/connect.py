"""Connects with SQLAlchemy: SQLite as a server needs it, tables of this version, errors in one line."""

import asyncio
import importlib

from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from polychat.db.address import Address
from polychat.errors import SetupError

CONNECT_TIMEOUT_S = 5.0
_MIGRATION_LOCK = 7654300  # PostgreSQL's advisory lock of whoever changes the tables
_PRAGMAS = (
    "PRAGMA busy_timeout = 5000",  # milliseconds; first, as the others may have to wait
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON",
)


async def connect(address: Address, schema: str) -> AsyncEngine:
    """An engine for `address` whose tables are of the version `schema`, the newest.

    Raises:
        SetupError: it cannot be reached or used.
    """
    try:
        engine = _sqlite(address) if address.path else _server(address)
    except (OSError, ArgumentError) as exc:
        raise _cannot_open(address, exc) from exc
    try:
        await _prepare(engine, schema)
    except (SQLAlchemyError, OSError) as exc:
        await engine.dispose()
        raise _cannot_open(address, exc) from exc
    except BaseException:
        await engine.dispose()
        raise
    return engine


def _sqlite(address: Address) -> AsyncEngine:
    assert address.path is not None
    address.path.touch(mode=0o600)  # it holds what people said; -wal and -shm get the same mode
    engine = create_async_engine(address.url, pool_size=3, max_overflow=0)
    event.listen(engine.sync_engine, "connect", _set_up_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _server(address: Address) -> AsyncEngine:
    return create_async_engine(
        address.url,
        pool_pre_ping=True,  # the server may have been restarted
        pool_timeout=CONNECT_TIMEOUT_S,
        connect_args={"timeout": CONNECT_TIMEOUT_S, "command_timeout": 30},
    )


def _set_up_sqlite(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    connection.isolation_level = (
        None  # the driver begins nothing by itself: tables are made within a transaction
    )
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    is_write = connection.get_execution_options().get("is_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_write else "BEGIN")


async def _prepare(engine: AsyncEngine, schema: str) -> None:
    async with engine.connect() as connection:
        if await connection.run_sync(_revision) == schema:
            return
    migrate = await asyncio.to_thread(importlib.import_module, "polychat.db.migrate")
    async with engine.execution_options(is_write=True).begin() as connection:
        await _lock(connection)
        current = await connection.run_sync(_revision)
        if current != schema:
            await connection.run_sync(lambda sync: migrate.upgrade(sync, current=current))


async def _lock(connection: AsyncConnection) -> None:
    """SQLite has locked with BEGIN IMMEDIATE; PostgreSQL would let two make the same table."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _cannot_open(address: Address, exc: Exception) -> SetupError:
    reason = str(getattr(exc, "orig", None) or getattr(exc, "strerror", None) or exc)
    line = " ".join(reason.split("\n")[0].split()) or type(exc).__name__
    return SetupError(f"cannot open the database {address.shown}: {line}; name another with --db")
