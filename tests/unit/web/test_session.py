import pytest

from polychat.client import Delta, Message, Usage
from polychat.web.session import Chat, Outcome


def answered(question: str = "Hi", answer: str = "Hello.", chat: Chat | None = None) -> Chat:
    return (chat or Chat()).ask(question).append(Delta(answer, None)).append(Delta("", "stop"))


def test_a_question_is_unanswered_until_the_model_finishes() -> None:
    chat = Chat().ask("Hi")
    assert chat.is_answering
    assert chat.append(Delta("Hel", None)).append(Delta("lo", None)).is_answering
    assert not answered().is_answering


def test_an_answer_grows_by_its_deltas_and_keeps_what_the_api_counted() -> None:
    chat = Chat().ask("Hi").append(Delta("Hel", None, reasoning="hm")).append(Delta("lo", "stop"))
    turn = chat.append(Delta("", None, usage=Usage(9, 2))).turns[-1]
    assert (turn.answer, turn.reasoning, turn.output_tokens, turn.outcome) == ("Hello", "hm", 2, Outcome.DONE)


def test_an_answer_that_reached_the_token_limit_is_told_from_a_finished_one() -> None:
    assert Chat().ask("Hi").append(Delta("He", "length")).turns[-1].outcome is Outcome.LENGTH


def test_stopping_keeps_what_was_answered() -> None:
    chat = Chat().ask("Hi").append(Delta("Hel", None)).stop()
    assert (chat.turns[-1].answer, chat.turns[-1].outcome) == ("Hel", Outcome.STOPPED)
    assert not chat.is_answering


def test_a_failure_keeps_the_question_and_what_was_answered() -> None:
    turn = Chat().ask("Hi").append(Delta("Hel", None)).fail("It broke.").turns[-1]
    assert (turn.question, turn.answer, turn.problem, turn.outcome) == (
        "Hi",
        "Hel",
        "It broke.",
        Outcome.FAILED,
    )


@pytest.mark.parametrize("chat", [answered(), Chat().ask("Hi").fail("It broke."), Chat().ask("Hi").stop()])
def test_regenerating_asks_the_last_question_again_from_nothing(chat: Chat) -> None:
    assert chat.regenerate() == Chat().ask("Hi")


def test_undoing_takes_back_the_last_question_with_its_answer() -> None:
    first = answered()
    assert answered("And you?", "Fine.", first).undo() == first


def test_the_whole_conversation_is_sent_with_the_system_prompt_first() -> None:
    assert answered().ask("And you?").messages("Be brief.") == [
        Message("system", "Be brief."),
        Message("user", "Hi"),
        Message("assistant", "Hello."),
        Message("user", "And you?"),
    ]


def test_a_blank_system_prompt_is_not_sent() -> None:
    assert Chat().ask("Hi").messages(" \n") == [Message("user", "Hi")]


@pytest.mark.parametrize("unanswered", [Chat().ask("lost").fail("down"), Chat().ask("lost").stop()])
def test_an_earlier_question_without_an_answer_is_not_sent(unanswered: Chat) -> None:
    assert unanswered.ask("Hi").messages("") == [Message("user", "Hi")]
