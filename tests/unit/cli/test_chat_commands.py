"""What a typed line means."""

import pytest

from polychat.cli.chat_commands import (
    COMMANDS,
    Command,
    Words,
    help_text,
    parse,
    settings_text,
    with_setting,
)
from polychat.client import SamplingOptions
from polychat.errors import SetupError


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("hello there", Words("hello there")),
        ("  indented code\n", Words("  indented code")),
        ("//etc/hosts?", Words("/etc/hosts?")),
        ("", None),
        ("   ", None),
        ("/exit", Command("exit")),
        ("/system  be brief ", Command("system", "be brief")),
        ("/CLEAR", Command("reset")),
        ("/quit", Command("exit")),
        ("!!exit", Command("exit")),
        ("!!reset", Command("reset")),
        ("!!remove", Command("undo")),
        ("!!regen", Command("regen")),
        ("!!save a b.json", Command("save", "a b.json")),
        ("!!load x", Command("load", "x")),
    ],
)
def test_a_line_is_words_for_the_model_or_a_command(line: str, meant: Words | Command | None) -> None:
    assert parse(line) == meant


def test_an_unknown_command_gets_the_nearest() -> None:
    with pytest.raises(SetupError, match=r"no command /modle; did you mean /model"):
        parse("/modle x")


def test_an_unknown_command_like_no_other_points_to_help() -> None:
    with pytest.raises(SetupError, match="/help"):
        parse("/zzzzz")


def test_the_help_names_every_command() -> None:
    assert all(f"/{name}" in help_text() for name in COMMANDS)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("temperature=0.5", SamplingOptions(temperature=0.5)),
        ("temperature 0.5", SamplingOptions(temperature=0.5)),
        ("top-p = 0.9", SamplingOptions(top_p=0.9)),
        ("max_tokens=10", SamplingOptions(max_tokens=10)),
        ("seed=1", SamplingOptions(seed=1)),
    ],
)
def test_a_setting_is_set(text: str, options: SamplingOptions) -> None:
    assert with_setting(SamplingOptions(), text) == options


def test_a_setting_is_given_back_to_the_engine() -> None:
    assert with_setting(SamplingOptions(temperature=1), "temperature=default") == SamplingOptions()


@pytest.mark.parametrize(
    "text", ["temperature=3", "temperature=hot", "top_p=-1", "max_tokens=0", "seed=1.5", "temperature=nan"]
)
def test_a_value_out_of_range_is_told_with_the_range(text: str) -> None:
    with pytest.raises(SetupError, match=r"must be .* from"):
        with_setting(SamplingOptions(), text)


def test_an_unknown_setting_is_told_with_all_there_are() -> None:
    with pytest.raises(SetupError, match=r"no setting 'heat'.*temperature"):
        with_setting(SamplingOptions(), "heat=1")


def test_settings_are_shown_with_what_is_left_to_the_engine() -> None:
    shown = settings_text(SamplingOptions(temperature=0.5))
    assert shown == "temperature=0.5  top_p=default  max_tokens=default  seed=default"
