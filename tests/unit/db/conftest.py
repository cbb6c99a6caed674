from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from polychat.db import address
from polychat.db.database import Database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(address.of_file(tmp_path / "test.db"))
    yield database
    await database.close()
