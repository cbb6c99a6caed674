"""Options that go to the engine: from the command line to a worker's, and to values."""

from pathlib import Path

import pytest

from polychat.cli.engine_flags import adapters, with_arguments, words
from polychat.errors import SetupError


def test_what_follows_two_dashes_becomes_arguments_of_the_engine() -> None:
    line = with_arguments(["llama", "--port", "1", "--", "--max-num-seqs", "4"])
    assert line == ["llama", "--port", "1", "--engine-argument=--max-num-seqs", "--engine-argument=4"]


def test_a_line_without_two_dashes_stays_as_it_is() -> None:
    assert with_arguments(["llama", "--port", "1"]) == ["llama", "--port", "1"]


def test_a_workers_line_leaves_out_what_was_not_asked() -> None:
    flags = {"--dtype": None, "--trust-remote-code": False, "--allow-lora-updates": True, "--slots": 4}
    assert words(flags) == ("--allow-lora-updates", "--slots=4")


def test_a_workers_line_repeats_a_flag_with_several_values() -> None:
    assert words({"--lora": ["a=x", "b=y"]}) == ("--lora=a=x", "--lora=b=y")


def test_an_adapter_is_a_name_and_a_path(tmp_path: Path) -> None:
    (found,) = adapters([f"sql={tmp_path}"])
    assert (found.name, found.path) == ("sql", tmp_path)


@pytest.mark.parametrize("word", ["sql", "=x", "sql="])
def test_an_adapter_without_name_or_path_is_refused(word: str) -> None:
    with pytest.raises(SetupError, match="has not the form NAME=PATH"):
        adapters([word])


def test_an_adapter_that_is_not_there_is_refused_by_its_path() -> None:
    with pytest.raises(SetupError, match="there is no /nowhere"):
        adapters(["sql=/nowhere"])


def test_two_adapters_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="'sql' twice"):
        adapters([f"sql={tmp_path}", f"sql={tmp_path}"])
