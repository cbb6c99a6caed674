"""A whole service whose account a test looks at, and the book that a client keeps of its own."""

import functools
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import openai

from polychat.gateway.answers import Usage
from tests.support.processes import RoleProcess, answers, environment, free_port, wait_until

Row = dict[str, Any]  # Any: decoded JSON


@dataclass
class Book:
    """What a client was told that it used."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def add(self, used: Usage, times: int = 1) -> None:
        self.requests += times
        self.prompt_tokens += times * used.prompt_tokens
        self.completion_tokens += times * used.completion_tokens


@dataclass
class Service:
    """A controller and workers; gateways as the test starts them. All share a home and a database."""

    stack: ExitStack
    home: str
    db: str
    controller_url: str = field(default_factory=lambda: f"http://127.0.0.1:{free_port()}")

    def __post_init__(self) -> None:
        port = self.controller_url.rpartition(":")[2]
        self.start("controller", "--port", port).wait_until_answers(f"{self.controller_url}/health")

    def start(self, *arguments: str) -> RoleProcess:
        env = {"POLYCHAT_HOME": self.home, "POLYCHAT_DB": self.db}
        return self.stack.enter_context(RoleProcess(*arguments, env=env))

    def start_worker(self, *flags: str) -> RoleProcess:
        return self.start(
            "worker", *flags, "--port", str(free_port()), "--controller-address", self.controller_url
        )

    def start_api(self, *models: str, admin_key: str = "") -> tuple[RoleProcess, str]:
        """A gateway that serves these models, and its URL."""
        port = free_port()
        place = ("--port", str(port), "--controller-address", self.controller_url)
        flags = ("--admin-key", admin_key) if admin_key else ()
        api, url = self.start("api", *place, *flags), f"http://127.0.0.1:{port}"
        api.wait_until_answers(f"{url}/health")
        for model in models:
            is_served = functools.partial(answers, f"{url}/v1/models/{model}", api_key=admin_key)
            wait_until(is_served, timeout_s=30, what=f"{model} at {url}")
        return api, url

    def rows(self, by: str = "endpoint") -> list[Row]:
        """What `polychat usage` says."""
        command = [sys.executable, "-m", "polychat", "usage", "--json", "--by", by, "--since", "all"]
        env = environment({"POLYCHAT_HOME": self.home, "POLYCHAT_DB": self.db})
        told = subprocess.run(command, env=env, capture_output=True, check=False, text=True)
        assert told.returncode == 0, told.stderr
        rows: list[Row] = json.loads(told.stdout)
        return rows

    def book(self) -> Book:
        """Of all that was answered."""
        (row,) = [row for row in self.rows("outcome") if row["outcome"] == "answered"] or [{}]
        return Book(row.get("requests", 0), row.get("prompt_tokens", 0), row.get("completion_tokens", 0))

    def until_book_is(self, book: Book) -> None:
        """Until both agree; AssertionError if they never do."""
        seen: list[Book] = []

        def agree() -> bool:
            seen[:] = [self.book()]
            return seen == [book]

        try:
            wait_until(agree, timeout_s=8)
        except AssertionError:
            raise AssertionError(f"the client's book says {book}, polychat usage {seen}") from None


@contextmanager
def service(home: str, db: str) -> Iterator[Service]:
    with ExitStack() as stack:
        yield Service(stack, home, db)


def sdk(api_url: str, api_key: str = "any") -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{api_url}/v1", api_key=api_key, max_retries=0, timeout=30)
