from pathlib import Path

import pytest

from polychat.cli.web import read_users, web
from polychat.errors import SetupError


def users_file(folder: Path, text: str) -> Path:
    path = folder / "users"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("text", ["ann:1\nbob:a:b\n", "ann:1,bob:a:b", "\n ann:1 ,\n bob:a:b"])
def test_users_are_read_from_lines_or_commas_and_a_password_may_hold_a_colon(
    tmp_path: Path, text: str
) -> None:
    assert read_users(users_file(tmp_path, text)) == (("ann", "1"), ("bob", "a:b"))


def test_a_bad_entry_is_named_by_its_number_and_never_printed(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="entry 2 is not user:password") as caught:
        read_users(users_file(tmp_path, "ann:1\nsecret"))
    assert "secret" not in str(caught.value)


def test_a_file_without_users_is_refused_rather_than_open_to_all(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="names no user"):
        read_users(users_file(tmp_path, "\n"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"cannot read --auth-file .*/nobody"):
        read_users(tmp_path / "nobody")


def test_a_public_link_without_a_login_is_refused() -> None:
    with pytest.raises(SetupError, match="add --auth-file"):
        web(share=True)
