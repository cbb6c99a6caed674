"""Says at a program's start whether its database can be used; SQLite's is not opened before it is needed."""

import os
import sqlite3
from pathlib import Path

from polychat.db.address import Address
from polychat.db.database import SCHEMA, Database
from polychat.errors import SetupError


async def require_usable(address: Address) -> None:
    """Nothing, if a database is there and usable, or can be made.

    Raises:
        SetupError: it cannot be used.
    """
    if address.path is not None:
        _require_file(address.path)
    else:
        database = Database(address)
        await database.open()
        await database.close()


def _require_file(path: Path) -> None:
    if not path.exists():
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise SetupError(
                f"cannot make the database {path}: its folder is missing or not ours to write to"
            )
        return
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=5)
        try:
            version = _version(connection)
        finally:
            connection.close()
    except sqlite3.Error as exc:
        raise SetupError(f"cannot use the database {path}: {exc}; name another with --db") from exc
    if version > SCHEMA:
        raise SetupError(
            f"the database {path} has tables of a newer polychat (version {version}); "
            "install that one, or name another database with --db"
        )


def _version(connection: sqlite3.Connection) -> str:
    """The revision of its tables, "" if it has none. Revisions are numbers with leading zeros."""
    connection.execute("PRAGMA schema_version").fetchone()
    has_one = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if has_one else None
    return str(row[0]) if row else ""
