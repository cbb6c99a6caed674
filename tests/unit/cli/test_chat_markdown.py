"""Which part of a growing Markdown text is finished."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polychat.cli.chat_markdown import printable, split_finished, tail


@pytest.mark.parametrize(
    ("text", "finished"),
    [
        ("one line", ""),
        ("a paragraph\n\nthe next", "a paragraph\n"),
        ("a\n\nb\n\nc", "a\n\nb\n"),
        ("```\ncode\n\nmore", ""),
        ("```\ncode\n\n```\n\nafter", "```\ncode\n\n```\n"),
        ("```\n~~~\n\nstill code", ""),
        ("ends\n", ""),
    ],
)
def test_a_blank_line_outside_code_finishes_a_block(text: str, finished: str) -> None:
    assert split_finished(text)[0] == finished


@given(st.text(alphabet="a`~\n ", max_size=60))
def test_what_is_finished_never_changes_when_more_comes(text: str) -> None:
    finished, _ = split_finished(text)
    assert split_finished(text + "x\n\n```")[0].startswith(finished)


def test_a_short_block_is_shown_whole() -> None:
    assert tail("a\nb", num_lines=2) == "a\nb"


def test_of_a_long_block_the_end_is_shown() -> None:
    assert tail("a\nb\nc\nd", num_lines=2) == "c\nd"


def test_the_end_of_long_code_is_still_code() -> None:
    assert tail("```py\n1\n2\n3\n4", num_lines=3) == "```py\n3\n4"


def test_a_text_cannot_drive_the_terminal() -> None:
    assert printable("a\x1b[2Jb\x07\x9bc\td\n量") == "a[2Jbc\td\n量"
