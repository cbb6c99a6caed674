"""Brings a database's tables to this program's version, alone among all processes that try at once."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from polychat.errors import SetupError

FOLDER = Path(__file__).parent / "migrations"


def upgrade(connection: Connection, *, current: str | None) -> None:
    """Run what is missing after the revision `current`, in the transaction of `connection`.

    Raises:
        SetupError: `current` is of a newer program.
    """
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    if current is not None:
        _require_known(config, current)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _require_known(config: Config, current: str) -> None:
    try:
        ScriptDirectory.from_config(config).get_revision(current)
    except CommandError as exc:
        raise SetupError(
            f"the database has tables of a newer polychat (version {current}); "
            "install that one, or name another database with --db"
        ) from exc
