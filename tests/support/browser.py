"""A headless Chromium and the chat page in it, as a person uses it.

Playwright's sync API keeps an event loop in this thread while it runs: keep one per module, in
modules without async tests.
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserType, Locator, Page, expect, sync_playwright

FLAGS = [
    "--no-sandbox",  # containers run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MISSING = (
    "no Chromium: `apt-get install chromium` or `playwright install chromium`, "
    "or name one in POLYCHAT_CHROMIUM"
)
expect.set_options(timeout=15_000)  # milliseconds: two cores may be busy with the rest of the test
DESKTOP = (1280, 860)
PHONE = (360, 740)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium. An AssertionError says how to get one where there is none."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=_executable(playwright.chromium), headless=True, args=FLAGS
        )
        yield browser
        browser.close()


def _executable(playwrights_own: BrowserType) -> str:
    names = ("chromium", "chromium-browser", "google-chrome")
    named = os.environ.get("POLYCHAT_CHROMIUM")
    found = named or next((path for name in names if (path := shutil.which(name))), None)
    path = found or playwrights_own.executable_path
    assert Path(path).exists(), MISSING
    return path


@dataclass
class ChatPage:
    """The open page. What it loads and complains about is kept from its first request on."""

    page: Page
    url: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("response", lambda response: self._note(response.status >= 400, response.url))
        self.page.on("console", lambda line: self._note(line.type in ("error", "warning"), line.text))
        self.page.on("pageerror", lambda error: self._note(True, str(error)))
        self.page.goto(self.url)
        expect(self.box).to_be_visible()

    def _note(self, is_bad: bool, text: str) -> None:
        if is_bad:
            self.complaints.append(text)

    @property
    def hosts(self) -> set[str]:
        """Every host that the browser asked for something."""
        return {host for url in self.requests if (host := urlsplit(url).hostname)}

    @property
    def box(self) -> Locator:
        return self.page.locator("#message textarea")

    @property
    def model(self) -> Locator:
        return self.page.get_by_label("Model", exact=True)

    @property
    def answer(self) -> Locator:
        """The newest answer."""
        return self.page.locator("#conversation .bot-row").last

    @property
    def bubbles(self) -> Locator:
        return self.page.locator("#conversation .message-row")

    @property
    def notice(self) -> Locator:
        return self.page.locator("#notice")

    @property
    def footnote(self) -> Locator:
        return self.page.locator("#footnote")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def send(self, text: str) -> None:
        self.box.fill(text)
        self.box.press("Enter")

    def ask(self, text: str) -> str:
        """Send `text` and wait for the whole answer."""
        already = self.bubbles.count()
        self.send(text)
        expect(self.bubbles).to_have_count(already + 2)
        self.wait_until_answered()
        return self.answer.inner_text().strip()

    def wait_until_answered(self) -> None:
        ended = re.compile(r"tokens in|Stopped|Not answered|token limit")
        expect(self.footnote).to_contain_text(ended, timeout=15_000)

    def choose(self, model: str) -> None:
        self.model.click()
        self.page.get_by_role("option", name=model, exact=True).click()

    def toggle_settings(self) -> None:
        self.page.get_by_role("button", name="Toggle Sidebar").click()

    def open_settings(self) -> None:
        self.toggle_settings()
        expect(self.system_prompt).to_be_in_viewport()

    @property
    def system_prompt(self) -> Locator:
        return self.page.get_by_label("System prompt")

    @property
    def max_tokens(self) -> Locator:
        return self.page.get_by_label("Max tokens")

    def scroll_width(self) -> int:
        """How wide the page is, in CSS pixels; more than the window means a horizontal scroll bar."""
        width = self.page.evaluate(
            "Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)"
        )
        assert isinstance(width, int)
        return width


@contextmanager
def opened(
    browser: Browser, url: str, *, size: tuple[int, int] = DESKTOP, dark: bool = False
) -> Iterator[ChatPage]:
    """The chat page in a fresh profile."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if dark else "light"
    )
    context.set_default_timeout(15_000)
    yield ChatPage(context.new_page(), url)
    context.close()
