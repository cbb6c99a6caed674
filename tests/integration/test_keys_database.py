"""The table of keys, on SQLite and on a real PostgreSQL server."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from polychat.db import address
from polychat.db.database import Database
from polychat.db.key_secrets import hash_of, new_secret
from polychat.db.keys import Mark, StoredKey, StoredKeys, new_key, revoked, rotated
from tests.support.postgresql import running_server

ANN = StoredKey(
    "key_ann", "ann", hash="a" * 64, prefix="pc-aaaaaa", owner="Ann", role="admin", priority="batch",
    created_at=10.0, updated_at=10.0, expires_at=99.5, models=("m", "org/n"), requests_per_minute=1,
    tokens_per_minute=2**40, concurrent=3, tokens_per_day=4, tokens_per_month=5, gpu_s_per_day=0.5,
    gpu_s_per_month=6.25,
)  # fmt: skip
BOB = StoredKey("key_bob", "bob", hash="b" * 64, prefix="pc-bbbbbb", created_at=11.0, updated_at=11.0)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with running_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    if request.param == "sqlite":
        database = Database(address.of_file(tmp_path / "test.db"))
    else:
        database = Database(address.parse(request.getfixturevalue("server")))
    yield database
    if request.param == "postgresql":
        async with database.writing() as connection:
            await connection.exec_driver_sql("DELETE FROM keys")
    await database.close()


@pytest.fixture
def keys(database: Database) -> StoredKeys:
    return StoredKeys(database)


async def test_what_is_added_comes_back(keys: StoredKeys) -> None:
    assert await keys.add(ANN)
    assert await keys.add(BOB)
    assert await keys.all() == [ANN, BOB]


async def test_a_key_is_found_by_its_name_and_by_its_id(keys: StoredKeys) -> None:
    await keys.add(ANN)
    assert await keys.find("ann") == await keys.find("key_ann") == ANN
    assert await keys.find("anna") is None


async def test_a_name_is_taken_until_its_key_is_revoked(keys: StoredKeys) -> None:
    await keys.add(ANN)
    second = replace(BOB, name="ann")
    assert not await keys.add(second)
    await keys.change("key_ann", lambda key: revoked(key, now_s=20.0), now_s=20.0)
    assert await keys.add(second)
    assert (await keys.find("ann")) == replace(second, updated_at=20.001)


async def test_of_several_that_take_a_name_at_once_one_gets_it(database: Database) -> None:
    others = [Database(database.address) for _ in range(4)]
    wishes = [replace(BOB, id=f"key_{place}", hash=str(place) * 64) for place in range(4)]
    added = await asyncio.gather(
        *(StoredKeys(other).add(wish) for other, wish in zip(others, wishes, strict=True))
    )
    await asyncio.gather(*(other.close() for other in others))
    assert sorted(added) == [False, False, False, True]


async def test_a_rotated_key_keeps_its_old_secret_for_the_grace(keys: StoredKeys) -> None:
    await keys.add(ANN)
    secret = new_secret()
    await keys.change("key_ann", lambda key: rotated(key, secret, old_until=50.0), now_s=20.0)
    found = await keys.find("ann")
    assert found is not None
    assert (found.hash, found.old_hash, found.old_until) == (hash_of(secret), "a" * 64, 50.0)
    assert secret.startswith(found.prefix)


async def test_a_key_that_is_revoked_changes_no_more(keys: StoredKeys) -> None:
    await keys.add(ANN)
    await keys.change("key_ann", lambda key: revoked(key, now_s=20.0), now_s=20.0)
    assert await keys.change("key_ann", lambda key: replace(key, owner="Eve"), now_s=30.0) is None
    assert [key.owner for key in await keys.all()] == ["Ann"]


async def test_changes_are_in_order_whatever_the_clocks_say(keys: StoredKeys) -> None:
    await keys.add(ANN)
    await keys.add(BOB)
    seen = (await keys.mark()).updated_at
    await keys.change("key_ann", lambda key: replace(key, owner="Anna"), now_s=3.0)  # a slow clock
    assert [key.owner for key in await keys.changed_since(seen + 1e-6)] == ["Anna"]


async def test_the_mark_changes_with_every_change(keys: StoredKeys, database: Database) -> None:
    await database.open()
    marks = [await keys.mark()]
    for change in (
        keys.add(ANN),
        keys.add(BOB),
        keys.change("key_bob", lambda key: revoked(key, now_s=11.0), now_s=11.0),
    ):
        await change
        marks.append(await keys.mark())
    assert marks[0] == Mark()
    assert len(set(marks)) == 4


async def test_no_secret_is_in_the_table(keys: StoredKeys, database: Database) -> None:
    secret = new_secret()
    await keys.add(new_key("ann", secret, now_s=10.0))
    async with database.reading() as connection:
        row = (await connection.exec_driver_sql("SELECT * FROM keys")).mappings().one()
    assert secret[10:] not in str(dict(row))
    assert len(secret) > 40
