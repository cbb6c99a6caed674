"""Which database a command takes, and what it says of one that it cannot use."""

import logging
from pathlib import Path

import pytest

from polychat.cli import database
from polychat.errors import SetupError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POLYCHAT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_the_default_is_a_file_in_polychats_home_which_is_made(home: Path) -> None:
    assert database.usable("").path == home / "polychat.db"
    assert home.stat().st_mode & 0o077 == 0


def test_a_broken_default_is_a_line_in_the_log(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    home.write_text("a file where the folder should be")
    with caplog.at_level(logging.WARNING):
        assert database.usable("").path == home / "polychat.db"
    assert "nothing can be stored" in caplog.text


def test_a_broken_one_that_was_asked_for_ends_the_command(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no database " * 100)
    with pytest.raises(SetupError, match="file is not a database"):
        database.usable(f"sqlite:///{tmp_path}/notes.txt")
