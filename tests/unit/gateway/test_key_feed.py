from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from polychat.db import address
from polychat.db.database import Database
from polychat.db.keys import StoredKeys, new_key, revoked
from polychat.errors import DatabaseUnavailable, Unauthorized
from polychat.gateway.auth import Given, Keys
from polychat.gateway.caller import NOBODY
from polychat.gateway.key_feed import KeyFeed

ANN = new_key("ann", "pc-ann", now_s=10.0)
BOB = new_key("bob", "pc-bob", now_s=10.0)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(address.of_file(tmp_path / "keys.db"))
    yield database
    await database.close()


@pytest.fixture
def table(database: Database) -> StoredKeys:
    return StoredKeys(database)


@pytest.fixture
def keys() -> Keys:
    return Keys(Given(), waits_for_stored=True)


@pytest.fixture
def feed(table: StoredKeys, keys: Keys) -> KeyFeed:
    return KeyFeed(table, keys)


async def test_a_key_that_is_made_later_is_seen(feed: KeyFeed, keys: Keys, table: StoredKeys) -> None:
    await feed.refresh()
    assert keys.check(b"Bearer pc-ann") == NOBODY
    for key in (ANN, BOB):
        await table.add(key)
        await feed.refresh()
    assert keys.check(b"Bearer pc-ann").name == "ann"
    assert keys.check(b"Bearer pc-bob").name == "bob"


async def test_what_was_there_before_is_seen_too(feed: KeyFeed, keys: Keys, table: StoredKeys) -> None:
    for key in (ANN, BOB):
        await table.add(key)
    await feed.load()
    assert keys.check(b"Bearer pc-ann").name == "ann"


async def test_a_key_that_is_revoked_opens_no_more(feed: KeyFeed, keys: Keys, table: StoredKeys) -> None:
    await table.add(ANN)
    await feed.refresh()
    await table.change(ANN.id, lambda key: revoked(key, now_s=20.0), now_s=5.0)
    await feed.refresh()
    with pytest.raises(Unauthorized):
        keys.check(b"Bearer pc-ann")


async def test_a_new_database_in_place_of_the_old_takes_its_keys_along(
    feed: KeyFeed, keys: Keys, table: StoredKeys, database: Database
) -> None:
    await table.add(ANN)
    await feed.refresh()
    async with database.writing() as connection:
        await connection.exec_driver_sql("DELETE FROM keys")
    await table.add(BOB)
    await feed.refresh()
    async with database.writing() as connection:
        await connection.exec_driver_sql("DELETE FROM keys")
    await feed.refresh()
    with pytest.raises(Unauthorized):
        keys.check(b"Bearer pc-ann")


async def test_known_keys_go_on_working_while_the_database_is_away(
    feed: KeyFeed, keys: Keys, table: StoredKeys, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await table.add(ANN)
    await feed.load()
    assert database.address.path is not None
    await database.close()
    database.address.path.rename(database.address.path.with_suffix(".away"))
    database.address.path.mkdir()
    await feed.load()
    assert keys.check(b"Bearer pc-ann").name == "ann"
    assert "cannot be read" in caplog.text
    with pytest.raises(DatabaseUnavailable):
        await feed.refresh()
