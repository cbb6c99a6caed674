"""polychat.toml is found, read, and what is wrong with it is one line that names the place."""

from pathlib import Path

import pytest

from polychat import config
from polychat.errors import SetupError


def written(folder: Path, text: str) -> Path:
    path = folder / config.FILE_NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_the_file_here_goes_before_the_users_own(tmp_path: Path) -> None:
    here = written(tmp_path / "here", "")
    written(tmp_path / "home" / "polychat", "")
    assert config.find(working_folder=tmp_path / "here", config_home=tmp_path / "home") == here


def test_the_users_own_file_is_found_from_anywhere(tmp_path: Path) -> None:
    own = written(tmp_path / "home" / "polychat", "")
    assert config.find(working_folder=tmp_path, config_home=tmp_path / "home") == own


def test_no_file_is_no_problem(tmp_path: Path) -> None:
    assert config.find(working_folder=tmp_path, config_home=tmp_path) is None


def test_dashes_and_underscores_in_names_are_the_same(tmp_path: Path) -> None:
    path = written(tmp_path, "[up]\nweb-port = 1\nno_web = true\n")
    assert config.read(path) == {"up": {"web_port": 1, "no_web": True}}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[up\n", "is not TOML: .*line 1"),
        ("port = 1\n", r"port = 1 stands outside a table.*\[up\]"),
    ],
)
def test_a_broken_file_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(SetupError, match=told) as error:
        config.read(path)
    assert str(path) in str(error.value)


def test_a_missing_file_is_told_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"nowhere\.toml: No such file"):
        config.read(tmp_path / "nowhere.toml")


def test_a_file_that_is_not_text_is_told(tmp_path: Path) -> None:
    (tmp_path / config.FILE_NAME).write_bytes(b"\xff\xfe")
    with pytest.raises(SetupError, match="is not TOML"):
        config.read(tmp_path / config.FILE_NAME)


def test_an_unknown_name_gets_the_nearest_known_one() -> None:
    assert config.unknown("prt", ["port", "host"]) == "did you mean 'port'?"


def test_an_unknown_name_like_no_other_gets_them_all() -> None:
    assert config.unknown("zzz", ["port", "host"]) == "there is host, port"


def test_names_of_models_keep_their_dashes(tmp_path: Path) -> None:
    path = tmp_path / "polychat.toml"
    path.write_text('[aliases]\ngpt-4o = "qwen"\n')
    assert config.read(path) == {"aliases": {"gpt-4o": "qwen"}}
