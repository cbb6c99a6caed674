"""The page around the conversation in a real browser: the models it offers, its look, what it loads."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import Platform
from tests.support.browser import PHONE, ChatPage, opened
from tests.support.cluster import ECHO, Cluster
from tests.support.processes import RoleProcess, free_port

NEWCOMER = ("worker", "--engine", "echo", "--model-names", "team/newcomer")


def test_the_page_loads_clean_and_asks_nobody_but_its_own_server(chat: ChatPage) -> None:
    chat.ask("$x^2$ and `code`")
    chat.open_settings()
    assert chat.hosts == {"127.0.0.1"}
    assert chat.complaints == []
    expect(chat.page).to_have_title("polychat")


def test_an_image_in_an_answer_is_not_fetched_from_elsewhere(chat: ChatPage, platform: Platform) -> None:
    chat.ask("![spy](http://localhost:9/what-was-said.png)")
    expect(chat.answer.locator("img")).to_have_count(1)
    assert any("Content Security Policy" in complaint for complaint in chat.complaints)


def test_text_that_looks_like_html_is_shown_and_not_run(chat: ChatPage) -> None:
    chat.ask("#include <stdio.h> <path> <img src=x onerror=\"document.title='owned'\"> end")
    expect(chat.answer).to_contain_text("#include <stdio.h> <path> <img src=x")
    expect(chat.page).to_have_title("polychat")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_phone_shows_everything_without_scrolling_sideways(
    browser: Browser, platform: Platform, dark: bool
) -> None:
    with opened(browser, platform.page_url, size=PHONE, dark=dark) as chat:
        chat.ask("a_very_long_word_" * 12 + " ```\n" + "wide code " * 30 + "\n```")
        assert chat.scroll_width() == PHONE[0]
        for part in (chat.box, chat.model, chat.button("Send"), chat.button("Clear"), chat.footnote):
            expect(part).to_be_in_viewport(ratio=1)
        chat.open_settings()
        expect(chat.max_tokens).to_be_in_viewport(ratio=1)
        assert chat.scroll_width() == PHONE[0]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_stands_out_from_its_background(browser: Browser, platform: Platform, dark: bool) -> None:
    with opened(browser, platform.page_url, dark=dark) as chat:
        chat.ask("hello")
        for part in (chat.answer.locator("p"), chat.bubbles.first.locator("p"), chat.footnote.locator("p")):
            assert contrast(chat, part.element_handle()) >= 4.5  # WCAG 2.2 AA for text


def contrast(chat: ChatPage, element: object) -> float:
    """The contrast ratio of an element's text against what is painted behind it (WCAG 2.2, 1.4.3)."""
    ratio = chat.page.evaluate(
        """element => {
          const pixel = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
          const rgba = colour => { pixel.clearRect(0, 0, 1, 1); pixel.fillStyle = colour;
            pixel.fillRect(0, 0, 1, 1); return pixel.getImageData(0, 0, 1, 1).data; };
          const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
            .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
            .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
          let behind = element;
          while (behind.parentElement && rgba(getComputedStyle(behind).backgroundColor)[3] < 255)
            behind = behind.parentElement;
          const [a, b] = [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor]
            .map(colour => light(rgba(colour))).sort((x, y) => y - x);
          return (a + 0.05) / (b + 0.05);
        }""",
        element,
    )
    assert isinstance(ratio, float)
    return ratio


def test_a_new_worker_appears_without_reload_and_a_killed_one_is_said_to_be_gone(
    chat: ChatPage, platform: Platform
) -> None:
    expect(chat.page.locator("#status")).to_contain_text("2 models")
    with ExitStack() as stack:
        newcomer = platform.cluster.start_worker(*NEWCOMER)
        stack.callback(newcomer.stop)
        expect(chat.page.locator("#status")).to_contain_text("3 models")
        expect(chat.model).to_have_value("echo")
        chat.choose("team/newcomer")
        assert chat.ask("hello newcomer") == "hello newcomer"
        newcomer.kill()
        expect(chat.notice).to_contain_text("team/newcomer is no longer served")
    chat.send("are you there?")
    expect(chat.answer).to_contain_text("choose another model above", timeout=15_000)
    chat.choose("echo")
    expect(chat.notice).to_be_hidden()
    chat.button("Regenerate").click()
    chat.wait_until_answered()
    expect(chat.answer).to_contain_text("are you there?")


@pytest.fixture
def lonely(browser: Browser) -> Iterator[tuple[ChatPage, int]]:
    """A page whose API is not running, and the port where it looks for it."""
    port, api_port = free_port(), free_port()
    api_url = f"http://127.0.0.1:{api_port}"
    with RoleProcess("web", "--port", str(port), "--api-url", api_url) as web:
        web.wait_for_line("page on http", timeout_s=60)
        with opened(browser, f"http://127.0.0.1:{port}/") as page:
            yield page, api_port


def test_without_an_api_then_without_a_model_the_page_says_what_to_do_until_it_works(
    lonely: tuple[ChatPage, int],
) -> None:
    chat, api_port = lonely
    expect(chat.notice).to_contain_text(f"Nothing answers at http://127.0.0.1:{api_port}")
    expect(chat.notice).to_contain_text("polychat api")
    with ExitStack() as stack:
        cluster = Cluster(stack, api_port=api_port)
        expect(chat.notice).to_contain_text("polychat worker MODEL")
        chat.send("anyone?")
        expect(chat.answer).to_contain_text("No model is served yet")
        cluster.start_worker(*ECHO)
        expect(chat.notice).to_be_hidden()
        expect(chat.model).to_have_value("echo")
        chat.button("Regenerate").click()
        chat.wait_until_answered()
        expect(chat.answer).to_contain_text("anyone?")
    chat.send("and now?")
    expect(chat.answer).to_contain_text("Nothing answers at")
    expect(chat.bubbles.nth(-2)).to_contain_text("and now?")
