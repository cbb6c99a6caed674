import pytest

from polychat.client import Delta, Usage
from polychat.web.drawing import bubbles, footnote, literal, status
from polychat.web.models import Menu
from polychat.web.session import Chat

ANSWERED = Chat().ask("Hi").append(Delta("Hello.", "stop", usage=Usage(3, 50)))


def test_a_turn_is_a_question_and_an_answer() -> None:
    assert bubbles(ANSWERED) == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello."},
    ]


def test_a_question_whose_answer_has_not_begun_stands_alone() -> None:
    assert bubbles(Chat().ask("Hi")) == [{"role": "user", "content": "Hi"}]


def test_a_problem_is_quoted_after_what_was_answered() -> None:
    shown = bubbles(Chat().ask("Hi").append(Delta("Hel", None)).fail("**It broke.**\n\nTry again."))
    assert [bubble["content"] for bubble in shown] == ["Hi", "Hel", "> **It broke.**\n> \n> Try again."]


def test_thinking_is_folded_away_and_ends_when_the_answer_begins() -> None:
    thinking = Chat().ask("Hi").append(Delta("", None, reasoning="hm"))
    assert bubbles(thinking)[1]["metadata"] == {"title": "Thinking", "status": "pending"}
    assert bubbles(thinking.append(Delta("Yes", None)))[1]["metadata"] == {
        "title": "Thinking",
        "status": "done",
    }


@pytest.mark.parametrize(
    ("chat", "line"),
    [
        (Chat(), ""),
        (Chat().ask("Hi"), "Answering …"),
        (ANSWERED, "50 tokens in 2.0 s (25 tok/s)"),
        (Chat().ask("Hi").stop(), "Stopped"),
        (Chat().ask("Hi").fail("It broke."), "Not answered"),
    ],
)
def test_the_footnote_says_how_the_answer_ended_and_how_fast_it_was(chat: Chat, line: str) -> None:
    assert footnote(chat, took_s=2.0) == line


def test_the_footnote_says_what_to_do_at_the_token_limit() -> None:
    assert "raise *Max tokens*" in footnote(Chat().ask("Hi").append(Delta("x", "length")))


def test_the_status_counts_models_and_shows_no_markup_of_others() -> None:
    shown = status(Menu(num_models=1), "http://<b>:8000")
    assert "1 model<" in shown
    assert "http://&lt;b&gt;:8000/v1" in shown
    assert 'class="dot good"' in shown


def test_the_status_turns_red_when_something_is_amiss() -> None:
    assert 'class="dot bad"' in status(Menu(notice="Nothing answers."), "http://a")


@pytest.mark.parametrize(
    "text",
    ["#include <stdio.h>", "a <path> b", "</div>", "<!-- x -->", "<script>alert(1)</script>", "if a<b then"],
)
def test_what_looks_like_html_is_shown_as_it_was_written(text: str) -> None:
    assert literal(text) == text.replace("<", "&lt;")


@pytest.mark.parametrize(
    "text",
    [
        "1 < 2",
        "`<b>`",
        "```html\n<b>\n```",
        "```html\n<b> still streaming",
        "text\n\n    <b>indented code",
        "$a<b$ and $$a<b$$ and \\(a<b\\) and \\[a<b\\]",
        "| a<br>b | H<sub>2</sub>O |",
        "<https://example.com>",
    ],
)
def test_code_formulas_and_harmless_tags_are_left_alone(text: str) -> None:
    assert literal(text) == text


def test_html_after_code_is_still_shown_as_written() -> None:
    assert literal("`<a>` <a> ```<b>``` <b>") == "`<a>` &lt;a> ```<b>``` &lt;b>"
