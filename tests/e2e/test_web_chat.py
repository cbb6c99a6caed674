"""The chat page in a real browser, against real processes: what a person does in a conversation."""

import re

from playwright.sync_api import Browser, expect

from tests.e2e.conftest import Platform
from tests.support.browser import ChatPage, opened
from tests.support.processes import wait_until

LONG = " ".join(f"word{number}" for number in range(300))


def test_an_answer_streams_in_and_says_how_fast_it_was(chat: ChatPage) -> None:
    chat.choose("slow")
    chat.send("one two three four five six")
    expect(chat.answer).to_contain_text("one two")
    assert "six" not in chat.answer.inner_text()
    expect(chat.answer).to_contain_text("one two three four five six")
    expect(chat.footnote).to_contain_text(re.compile(r"6 tokens in [\d.]+ s \(\d tok/s\)"))
    expect(chat.box).to_have_value("")


def test_stop_ends_the_answer_and_the_engines_work_and_the_chat_goes_on(
    chat: ChatPage, platform: Platform
) -> None:
    chat.choose("slow")
    chat.send(LONG)
    expect(chat.answer).to_contain_text("word1")
    wait_until(lambda: platform.cluster.running() == 1, what="the engine to be at work")
    chat.button("Stop").click()
    expect(chat.footnote).to_contain_text("Stopped")
    wait_until(lambda: platform.cluster.running() == 0, timeout_s=3, what="the engine to be idle")
    assert "word299" not in chat.answer.inner_text()
    chat.choose("echo")
    assert chat.ask("and now?") == "and now?"


def test_people_are_answered_at_the_same_time(chat: ChatPage, platform: Platform, browser: Browser) -> None:
    with opened(browser, platform.page_url) as other:
        for page in (chat, other):
            page.choose("slow")
            page.send(LONG)
        wait_until(lambda: platform.cluster.running() == 2, what="the engine to work for both")
        for page in (chat, other):
            expect(page.answer).to_contain_text("word1")
            page.button("Stop").click()


def test_closing_the_page_ends_the_engines_work(chat: ChatPage, platform: Platform) -> None:
    wait_until(lambda: platform.cluster.running() == 0, what="the engine to be idle before")
    chat.choose("slow")
    chat.send(LONG)
    wait_until(lambda: platform.cluster.running() == 1, what="the engine to be at work")
    chat.page.close()
    wait_until(lambda: platform.cluster.running() == 0, timeout_s=5, what="the engine to be idle")


def test_the_next_message_can_be_typed_while_an_answer_streams_and_enter_does_not_lose_it(
    chat: ChatPage,
) -> None:
    chat.choose("slow")
    chat.send("one two three four five")
    expect(chat.answer).to_contain_text("one")
    chat.send("my next thought")
    chat.wait_until_answered()
    expect(chat.box).to_have_value("my next thought")
    expect(chat.bubbles).to_have_count(2)


def test_regenerate_asks_again_and_undo_gives_the_question_back(chat: ChatPage) -> None:
    chat.ask("first question")
    chat.choose("slow")
    chat.ask("a second question of seven words")
    chat.button("Regenerate").click()
    expect(chat.button("Undo")).to_be_disabled()
    expect(chat.bubbles).to_have_count(4)
    chat.wait_until_answered()
    expect(chat.answer).to_contain_text("seven words")
    chat.button("Undo").click()
    expect(chat.bubbles).to_have_count(2)
    expect(chat.box).to_have_value("a second question of seven words")


def test_clear_starts_a_new_chat_with_the_examples(chat: ChatPage) -> None:
    chat.ask("hello")
    chat.button("Clear").click()
    expect(chat.bubbles).to_have_count(0)
    expect(chat.button("Clear")).to_be_disabled()
    chat.page.get_by_text("Once upon a time").click()
    chat.wait_until_answered()
    expect(chat.answer).to_contain_text("Once upon a time")


def test_markdown_code_and_formulas_are_drawn(chat: ChatPage) -> None:
    chat.ask("**bold** $a^2$ and \\(b^2\\)")
    expect(chat.answer.locator("strong")).to_have_text("bold")
    expect(chat.answer.locator(".katex")).to_have_count(2)
    chat.ask("$$\\int_0^1 x\\,dx$$")
    expect(chat.answer.locator(".katex-display")).to_have_count(1)
    chat.ask("\\[x\\]")
    expect(chat.answer.locator(".katex-display")).to_have_count(1)
    chat.box.fill("```python\nprint('hi')\n```")
    chat.box.press("Enter")
    expect(chat.answer.locator("pre .token").first).to_be_visible()


def test_an_answer_and_the_whole_conversation_can_be_copied(chat: ChatPage) -> None:
    chat.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    chat.ask("copy me")
    chat.page.get_by_label("Copy message").last.click()
    assert chat.page.evaluate("navigator.clipboard.readText()") == "copy me"
    expect(chat.page.get_by_label("Copy conversation")).to_be_visible()


def test_the_settings_reach_the_model(chat: ChatPage) -> None:
    chat.open_settings()
    chat.max_tokens.fill("2")
    chat.max_tokens.press("Tab")
    chat.send("one two three four")
    expect(chat.footnote).to_contain_text("token limit")
    assert chat.answer.inner_text().strip() == "one two"


def test_a_setting_that_is_no_number_is_named_in_the_chat(chat: ChatPage) -> None:
    chat.open_settings()
    chat.page.get_by_label("Temperature").fill("warm")
    chat.send("hello")
    expect(chat.answer).to_contain_text("Temperature must be a number or empty, not 'warm'")


def test_a_setting_that_the_api_refuses_is_named_in_the_chat_and_the_message_is_kept(chat: ChatPage) -> None:
    chat.open_settings()
    chat.max_tokens.fill("-5")
    chat.max_tokens.press("Tab")
    chat.send("hello")
    expect(chat.footnote).to_contain_text("Not answered")
    expect(chat.answer).to_contain_text("max_tokens")
    expect(chat.answer).to_contain_text("Change what it names")
    expect(chat.bubbles.first).to_contain_text("hello")


def test_a_blank_message_is_not_sent(chat: ChatPage) -> None:
    chat.send("   ")
    expect(chat.box).to_have_value("")
    chat.ask("hello")
    expect(chat.bubbles).to_have_count(2)
