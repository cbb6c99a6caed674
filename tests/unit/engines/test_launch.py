"""Finding the program of an engine."""

import sys
from pathlib import Path

import pytest

from polychat.engines.launch import Command, Program
from polychat.errors import SetupError

BY_MODULE = Program(name="", module="json.tool", install="pip install it")
NOWHERE = Program(name="no-such-program", module="no_such_module.server", install="pip install it")


@pytest.fixture
def python(tmp_path: Path) -> str:
    (tmp_path / "python3.12").symlink_to(sys.executable)
    return str(tmp_path / "python3.12")


def test_a_module_that_is_here_is_run_by_our_python() -> None:
    assert BY_MODULE.is_here()
    assert BY_MODULE.prefix("") == (sys.executable, "-m", "json.tool")


def test_a_program_on_the_path_goes_before_its_module() -> None:
    assert Program(name="env", module="json.tool", install="").prefix("")[0].endswith("/env")


def test_a_python_that_is_named_runs_the_module(python: str) -> None:
    assert NOWHERE.prefix(python) == (python, "-m", "no_such_module.server")


def test_another_program_that_is_named_is_run_itself() -> None:
    assert NOWHERE.prefix("/usr/bin/env") == ("/usr/bin/env",)


def test_what_is_nowhere_has_the_line_that_installs_it() -> None:
    assert not NOWHERE.is_here()
    with pytest.raises(SetupError, match="no-such-program is not installed; install it with: pip install it"):
        NOWHERE.prefix("")


def test_a_named_program_that_is_not_there_is_refused() -> None:
    with pytest.raises(SetupError, match="--program /no/such is no program that can be run"):
        NOWHERE.prefix("/no/such")


def test_secrets_of_the_environment_are_not_shown() -> None:
    assert "secret" not in repr(Command(("run",), {"KEY": "secret"}))
