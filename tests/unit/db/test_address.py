from pathlib import Path

import pytest

from polychat.db import address
from polychat.errors import SetupError


def test_a_sqlite_url_names_a_file() -> None:
    assert address.parse("sqlite:////data/polychat.db").path == Path("/data/polychat.db")


def test_a_relative_sqlite_url_is_below_the_working_folder() -> None:
    assert address.parse("sqlite:///here.db").path == Path.cwd() / "here.db"


def test_a_password_is_never_shown() -> None:
    found = address.parse("postgresql://me:s3cret@db.example/poly")
    assert found.shown == "postgresql://db.example:5432/poly"
    assert "s3cret" not in repr(found)
    assert "s3cret" in found.url


def test_postgresql_is_reached_through_asyncpg() -> None:
    url = address.parse("postgres://me@db:6432/poly?sslmode=require").url
    assert url == "postgresql+asyncpg://me@db:6432/poly?ssl=require"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://me:s3cret@db/poly", "mysql"),
        ("polychat.db", "sqlite:////absolute/path.db"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("postgresql://me:s3cret@db", "a name of a database"),
        ("postgresql://me:s3cret@db:port/poly", "URL"),
    ],
)
def test_a_bad_url_is_one_line_that_says_what_to_write(url: str, said: str) -> None:
    with pytest.raises(SetupError, match=said) as caught:
        address.parse(url)
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)
