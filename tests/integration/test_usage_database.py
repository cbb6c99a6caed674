"""The account of usage on a real PostgreSQL server: what its tests say of SQLite holds there, too."""

from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy import delete

from polychat.db import address
from polychat.db.database import Database
from polychat.db.tables import usage as usage_table
from polychat.db.tables import usage_batches
from tests.support.postgresql import running_server
from tests.unit.db.test_usage import *  # noqa: F403  # the same tests, over the database below


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running_server() as url:
        yield url


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """An empty one."""
    database = Database(address.parse(url))
    async with database.writing() as connection:
        for table in (usage_table, usage_batches):
            await connection.execute(delete(table))
    yield database
    await database.close()
