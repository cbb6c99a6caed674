"""Which database: what a user wrote after --db, checked and without its password where it is shown."""

import importlib.util
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from polychat.errors import SetupError

_SQLITE = ("sqlite", "sqlite+aiosqlite")
_POSTGRESQL = ("postgresql", "postgres", "postgresql+asyncpg")
_HOW = "write sqlite:////absolute/path.db or postgresql://user:password@host:5432/name"


@dataclass(frozen=True, slots=True)
class Address:
    """One database. `path` is the file of a SQLite database, None for a server."""

    url: str = field(repr=False)  # as SQLAlchemy takes it; may hold a password
    shown: str
    path: Path | None = None


def of_file(path: Path) -> Address:
    """The SQLite database in one file."""
    return Address(f"sqlite+aiosqlite:///{path}", str(path), path)


def parse(text: str) -> Address:
    """The database that a URL names.

    Raises:
        SetupError: it names none that we can open; or its driver is not installed.
    """
    scheme = text.partition("://")[0].lower()
    if scheme in _SQLITE:
        return _sqlite(text)
    if scheme in _POSTGRESQL:
        return _postgresql(text)
    raise SetupError(f"--db {scheme or text}:… is no database that polychat knows; {_HOW}")


def _sqlite(text: str) -> Address:
    place = text.partition("://")[2]
    name = place.removeprefix("/")
    if place == name or name in ("", ":memory:") or "?" in name:
        raise SetupError(f"--db {text} names no file; write sqlite:////absolute/path.db")
    return of_file(Path(name).expanduser().absolute())


def _postgresql(text: str) -> Address:
    try:
        url = urlsplit(text)
        host, port = url.hostname, url.port or 5432
    except ValueError as exc:
        raise SetupError(f"--db is no URL that can be read ({exc}); {_HOW}") from exc
    name = url.path.removeprefix("/")
    if not host or not name:
        raise SetupError(f"--db needs a host and a name of a database; {_HOW}")
    if importlib.util.find_spec("asyncpg") is None:
        raise SetupError("--db with PostgreSQL needs asyncpg: pip install 'polychat[postgres]'")
    return Address(_for_asyncpg(url), f"postgresql://{host}:{port}/{name}")


def _for_asyncpg(url: SplitResult) -> str:
    """asyncpg calls libpq's `sslmode` `ssl`; providers' URLs have the former."""
    query = [("ssl" if key == "sslmode" else key, value) for key, value in parse_qsl(url.query)]
    return url._replace(scheme="postgresql+asyncpg", query=urlencode(query)).geturl()
