from pathlib import Path

import pytest

from polychat.db import address
from polychat.db.database import Database
from polychat.db.key_secrets import hash_of, new_secret
from polychat.db.keys import Mark, StoredKey, StoredKeys, new_key, revoked, rotated

KEY = StoredKey("key_ann", "ann", hash="a" * 64, prefix="pc-aaaaaa", expires_at=100.0)


def test_a_key_is_active_until_it_expires_or_is_revoked() -> None:
    assert KEY.state(99.9) == "active"
    assert KEY.state(100.0) == "expired"
    assert revoked(KEY, now_s=50.0).state(60.0) == "revoked"


def test_rotated_at_once_the_old_secret_is_forgotten() -> None:
    assert rotated(KEY, "pc-new", old_until=None).old_hash is None


def test_a_key_that_is_printed_tells_no_hash() -> None:
    secret = new_secret()
    assert hash_of(secret) not in repr(new_key("ann", secret, now_s=1.0))


def test_no_secret_is_like_another() -> None:
    assert len({new_secret() for _ in range(100)}) == 100


async def test_looking_for_keys_makes_no_database(tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    database = Database(address.of_file(path))
    assert await StoredKeys(database).mark() == Mark()
    assert not path.exists()
    assert not database.is_open


@pytest.mark.parametrize("content", [b"this is no database" * 1000, b""])
async def test_a_file_without_tables_has_no_keys(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "odd.db").write_bytes(content)
    assert await StoredKeys(Database(address.of_file(tmp_path / "odd.db"))).mark() == Mark()
