from pathlib import Path

import pytest

from polychat.cli import secret_files
from polychat.errors import SetupError


def test_a_secret_in_a_file_is_as_good_as_in_a_variable(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    environment = {"POLYCHAT_TOKEN_FILE": str(tmp_path / "token")}
    secret_files.read(environment)
    assert environment == {"POLYCHAT_TOKEN": "s3cret"}


def test_a_secret_that_is_given_twice_missing_or_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    for environment, why in (
        ({"POLYCHAT_TOKEN": "a", "POLYCHAT_TOKEN_FILE": "b"}, "not both"),
        ({"POLYCHAT_DB_FILE": str(tmp_path / "none")}, "cannot read POLYCHAT_DB_FILE"),
        ({"POLYCHAT_DB_FILE": str(tmp_path / "empty")}, "is empty"),
    ):
        with pytest.raises(SetupError, match=why):
            secret_files.read(environment)
