"""A conversation is a value that changes turn by turn, and survives its file."""

from pathlib import Path

import pytest

from polychat.cli import conversation as conversations
from polychat.cli.conversation import Conversation
from polychat.client import Message
from polychat.errors import SetupError

TALK = Conversation("be brief").asked("hi").answered("hello").asked("name?").answered("Mini")


def test_the_system_prompt_goes_first_and_only_if_there_is_one() -> None:
    assert TALK.messages()[0] == Message("system", "be brief")
    assert Conversation().asked("hi").messages() == [Message("user", "hi")]


def test_undo_takes_back_the_last_question_and_its_answer() -> None:
    before, question = TALK.undone()
    assert before == Conversation("be brief").asked("hi").answered("hello")
    assert question == "name?"


def test_there_is_nothing_to_undo_at_the_start() -> None:
    assert Conversation("be brief").undone() == (Conversation("be brief"), "")


def test_a_question_without_an_answer_is_dropped_so_that_turns_stay_in_order() -> None:
    assert TALK.asked("again?").answered("") == TALK


def test_clearing_keeps_the_system_prompt() -> None:
    assert TALK.cleared() == Conversation("be brief")


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    conversations.save(TALK, tmp_path / "talk.json")
    assert conversations.load(tmp_path / "talk.json") == TALK


@pytest.mark.parametrize("text", ["", "[]", '{"messages": [1]}', '{"messages": [{"role": "user"}]}'])
def test_a_file_that_holds_no_conversation_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "talk.json").write_text(text)
    with pytest.raises(SetupError, match=r"talk\.json holds no conversation"):
        conversations.load(tmp_path / "talk.json")


def test_content_that_is_not_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "talk.json").write_text('{"messages": [{"role": "user", "content": []}]}')
    with pytest.raises(SetupError, match="not plain text"):
        conversations.load(tmp_path / "talk.json")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"cannot read .*none\.json: No such file"):
        conversations.load(tmp_path / "none.json")


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"cannot write .*: No such file"):
        conversations.save(TALK, tmp_path / "no" / "talk.json")
