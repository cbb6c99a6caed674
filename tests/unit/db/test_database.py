import re
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from polychat.db import address, check
from polychat.db.database import SCHEMA, Database
from polychat.db.migrate import FOLDER
from polychat.db.tables import metadata
from polychat.errors import DatabaseUnavailable, SetupError


def at(path: Path) -> Database:
    return Database(address.of_file(path))


async def test_opening_makes_every_table_of_this_version(database: Database) -> None:
    async with database.reading() as connection:
        found = await connection.run_sync(lambda sync: set(inspect(sync).get_table_names()))
    assert found == {"alembic_version", *metadata.tables}


async def test_the_migrations_make_what_the_tables_say(database: Database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    async with database.reading() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), metadata)
        )
    assert differences == []


def test_the_schema_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    assert ScriptDirectory.from_config(config).get_current_head() == SCHEMA


async def test_sqlite_is_set_up_for_a_server(database: Database) -> None:
    async with database.reading() as connection:
        pragmas = {
            name: (await connection.execute(text(f"PRAGMA {name}"))).scalar_one()
            for name in ("journal_mode", "busy_timeout", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "busy_timeout": 5000, "foreign_keys": 1}


async def test_only_its_owner_may_read_the_file(database: Database) -> None:
    await database.open()
    assert database.address.path is not None
    assert database.address.path.stat().st_mode & 0o077 == 0


async def test_what_fails_in_a_transaction_leaves_nothing(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable):
        await run(database, "CREATE TABLE half (a)", "NONSENSE")
    async with database.reading() as connection:
        assert "half" not in await connection.run_sync(lambda sync: inspect(sync).get_table_names())


async def run(database: Database, *statements: str) -> None:
    async with database.writing() as connection:
        for statement in statements:
            await connection.execute(text(statement))


OPEN = """
import asyncio, sys
from pathlib import Path
from polychat.db import address
from polychat.db.database import Database
database = Database(address.of_file(Path(sys.argv[1])))
asyncio.run(database.open())
print("open")
"""


def test_processes_that_start_at_once_make_the_tables_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OPEN, str(tmp_path / "shared.db")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert [process.communicate(timeout=60)[0] for process in running] == ["open\n"] * 4


DIE_IN_THE_MIDDLE = """
import os
import polychat.db.migrate
def die(config, to):
    config.attributes["connection"].exec_driver_sql("CREATE TABLE responses (id)")
    os._exit(9)
polychat.db.migrate.command.upgrade = die
"""


def test_a_process_killed_in_a_migration_leaves_a_database_that_opens(tmp_path: Path) -> None:
    path = str(tmp_path / "killed.db")
    killed = subprocess.run([sys.executable, "-c", DIE_IN_THE_MIDDLE + OPEN, path], check=False)
    assert killed.returncode == 9
    subprocess.run([sys.executable, "-c", OPEN, path], check=True)


async def test_a_database_of_a_newer_program_is_refused(database: Database) -> None:
    await run(database, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SetupError, match="newer polychat"):
        await Database(database.address).open()
    with pytest.raises(SetupError, match="newer polychat"):
        await check.require_usable(database.address)


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but long enough to be mistaken for one" * 40)
    for usable in (check.require_usable(address.of_file(path)), at(path).open()):
        with pytest.raises(SetupError, match=r"notes\.txt: file is not a database"):
            await usable


async def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "absent" / "polychat.db"
    for usable in (check.require_usable(address.of_file(path)), at(path).open()):
        with pytest.raises(SetupError, match=r"absent/polychat\.db"):
            await usable


async def test_a_check_makes_no_file(tmp_path: Path) -> None:
    path = tmp_path / "polychat.db"
    await check.require_usable(address.of_file(path))
    assert not path.exists()


async def test_a_database_that_breaks_later_is_unavailable_not_a_bug(tmp_path: Path) -> None:
    database = at(tmp_path / "absent" / "polychat.db")
    with pytest.raises(DatabaseUnavailable):
        async with database.reading():
            pass


async def test_a_server_that_cannot_be_reached_is_named_without_the_password() -> None:
    server = address.parse("postgresql://me:s3cret@127.0.0.1:1/poly")
    with pytest.raises(SetupError, match=re.escape("postgresql://127.0.0.1:1/poly")) as caught:
        await check.require_usable(server)
    assert "s3cret" not in str(caught.value)
