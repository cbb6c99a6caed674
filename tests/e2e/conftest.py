"""A running platform with its page, and a browser.

The browser is of one module: Playwright's loop must be gone before the next module's async tests.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser

from tests.support.browser import ChatPage, chromium, opened
from tests.support.cluster import ECHO, Cluster
from tests.support.processes import free_port


@dataclass(frozen=True)
class Platform:
    """A cluster and its page. `echo` answers at 500 tokens/s, `slow` at 5."""

    cluster: Cluster
    page_url: str


@pytest.fixture(scope="session")
def platform() -> Iterator[Platform]:
    with ExitStack() as stack:
        cluster = Cluster(stack)
        port = free_port()
        page = cluster.start("web", "--port", str(port), "--api-url", cluster.api_url)
        cluster.start_worker(*ECHO, "--echo-tokens-per-s", "500")
        cluster.start_worker(
            "worker", "--engine", "echo", "--model-names", "slow", "--echo-tokens-per-s", "5"
        )
        page.wait_for_line(r"page on http", timeout_s=60)
        yield Platform(cluster, f"http://127.0.0.1:{port}/")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def chat(platform: Platform, browser: Browser) -> Iterator[ChatPage]:
    """A fresh desktop page."""
    with opened(browser, platform.page_url) as page:
        yield page
