"""Takes chat.png of a running `polychat up`: python -m docs.images.take_chat [URL of the page]"""

import sys
from pathlib import Path

from playwright.sync_api import expect

from tests.support.browser import chromium, opened

QUESTIONS = (
    "Hello! Who are you?",
    "How do I add a worker on another machine?",
    "How do I protect the API with keys?",
)


def main(url: str = "http://127.0.0.1:7860/") -> None:
    with chromium() as browser, opened(browser, url, size=(1100, 640)) as chat:
        expect(chat.model).to_have_value("polychat-mini")
        for question in QUESTIONS:
            chat.ask(question)
        chat.page.mouse.move(0, 0)
        chat.page.screenshot(path=Path(__file__).with_name("chat.png"))


if __name__ == "__main__":
    main(*sys.argv[1:])
