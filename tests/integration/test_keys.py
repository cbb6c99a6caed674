"""Keys as people use them: made by the command, shown by the SDK, held to their limits by every gateway."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import openai
import pytest

from tests.support.cluster import ECHO
from tests.support.processes import RoleProcess, environment, free_ports, wait_until


@dataclass(frozen=True)
class Site:
    """Two gateways on one database."""

    database: str
    urls: tuple[str, str]

    def keys(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "polychat", "keys", *words, "--db", self.database],
            env=environment(),
            capture_output=True,
            text=True,
            timeout=30,
        )

    def made(self, name: str, *words: str) -> str:
        """The secret of a new key that every gateway knows."""
        secret = self.keys("create", name, "-q", *words).stdout.strip()
        wait_until(lambda: all(self.opens(url, secret) for url in self.urls), what=f"{name} is known")
        return secret

    def opens(self, url: str, secret: str) -> bool:
        headers = {"authorization": f"Bearer {secret}"}
        return httpx.get(f"{url}/v1/models", headers=headers, trust_env=False).status_code == 200

    def sdk(self, secret: str, gateway: int = 0) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.urls[gateway]}/v1", api_key=secret, max_retries=0, timeout=20)

    def ask(self, secret: str, gateway: int = 0, **more: int) -> str:
        with self.sdk(secret, gateway) as sdk:
            answer = sdk.chat.completions.create(
                model="echo", messages=[{"role": "user", "content": "one two three"}], **more
            )  # type: ignore[call-overload]  # only numbers are added
        return str(answer.choices[0].message.content)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    database = f"sqlite:///{tmp_path_factory.mktemp('keys') / 'polychat.db'}"
    controller, worker, *apis = free_ports(4)
    follow = ("--controller-address", f"http://127.0.0.1:{controller}")
    first, second = (f"http://127.0.0.1:{port}" for port in apis)
    found = Site(database, (first, second))
    commands = [
        ("controller", "--port", str(controller)),
        (*ECHO, "--echo-tokens-per-s", "0", "--port", str(worker), *follow),
        *(("api", "--port", str(port), "--db", database, *follow) for port in apis),
    ]
    with ExitStack() as stack:
        for command in commands:
            stack.enter_context(RoleProcess(*command))
        wait_until(lambda: all(is_up(url) for url in found.urls), what="both gateways serve echo")
        assert all(found.opens(url, "whatever") for url in found.urls)  # no key has been made
        found.made("first")
        wait_until(
            lambda: not any(found.opens(url, "whatever") for url in found.urls), what="keys are needed"
        )
        yield found


def is_up(url: str) -> bool:
    try:
        return bool(httpx.get(f"{url}/health", trust_env=False).json()["replicas_ready"])
    except httpx.TransportError:
        return False


def test_a_revoked_key_opens_nothing_two_seconds_later(site: Site) -> None:
    secret = site.made("short-lived")
    assert site.keys("revoke", "short-lived").returncode == 0
    wait_until(lambda: not any(site.opens(url, secret) for url in site.urls), timeout_s=3)


def test_a_rotated_key_works_with_both_secrets_or_at_once_with_the_new_one_only(site: Site) -> None:
    old = site.made("rotating")
    new = site.keys("rotate", "rotating", "-q").stdout.strip()
    wait_until(lambda: site.opens(site.urls[0], new))
    assert site.opens(site.urls[0], old)
    newest = site.keys("rotate", "rotating", "-q", "--grace", "0").stdout.strip()
    wait_until(lambda: site.opens(site.urls[0], newest))
    wait_until(lambda: not site.opens(site.urls[0], new), timeout_s=3)


def test_the_secret_is_nowhere_in_the_database(site: Site) -> None:
    secret = site.made("hashed")
    path = Path(site.database.removeprefix("sqlite:///"))
    stored = b"".join(part.read_bytes() for part in path.parent.glob("polychat.db*") if part.is_file())
    assert secret.encode() not in stored


def test_two_gateways_let_a_keys_requests_pass_together(site: Site) -> None:
    secret = site.made("ten", "--rpm", "10")
    passed = 0
    for number in range(20):
        try:
            site.ask(secret, number % 2)
            passed += 1
        except openai.RateLimitError as exc:
            error = exc
    assert passed == 10
    assert error.code == "rate_limit_exceeded"
    assert "requests per min" in str(error)
    assert int(error.response.headers["retry-after"]) >= 1
    assert error.response.headers["x-ratelimit-limit-requests"] == "10"
    assert error.response.headers["x-ratelimit-remaining-requests"] == "0"


def test_every_answer_says_what_is_left(site: Site) -> None:
    secret = site.made("told", "--rpm", "100", "--tpm", "10000")
    with site.sdk(secret) as sdk:
        raw = sdk.chat.completions.with_raw_response.create(
            model="echo", messages=[{"role": "user", "content": "hi"}], max_tokens=5
        )
    assert raw.headers["x-ratelimit-limit-requests"] == "100"
    assert raw.headers["x-ratelimit-limit-tokens"] == "10000"
    assert 0 < int(raw.headers["x-ratelimit-remaining-requests"]) < 100


def test_a_budget_that_is_spent_is_told_with_when_it_begins_anew(site: Site) -> None:
    secret = site.made("poor", "--tokens-per-day", "60")
    refusals: list[openai.RateLimitError] = []
    while not refusals:
        try:
            site.ask(secret, max_tokens=5)
        except openai.RateLimitError as exc:
            refusals.append(exc)
    assert refusals[0].code == "insufficient_quota"
    assert int(refusals[0].response.headers["retry-after"]) > 0


def test_a_key_may_use_its_models_only_and_sees_no_others(site: Site) -> None:
    secret = site.made("picky", "--models", "other")
    with pytest.raises(openai.PermissionDeniedError, match="may not use the model 'echo'"):
        site.ask(secret)
    with site.sdk(secret) as sdk:
        assert [model.id for model in sdk.models.list()] == []


def test_no_more_requests_run_at_once_than_a_key_may_have(site: Site) -> None:
    secret = site.made("single", "--concurrent", "1")
    with site.sdk(secret) as sdk:
        held = sdk.chat.completions.create(
            model="echo", messages=[{"role": "user", "content": "w " * 20_000}], stream=True
        )
        next(held)
        try:
            refused = 0
            for gateway in (0, 1):
                try:
                    site.ask(secret, gateway)
                except openai.RateLimitError:
                    refused += 1
        finally:
            held.close()
    assert refused <= 2
    deadline_s = time.monotonic() + 5
    while time.monotonic() < deadline_s:
        try:
            assert site.ask(secret) == "one two three"
            return
        except openai.RateLimitError:
            continue
    raise AssertionError("the place was not given back")


def test_what_is_wrong_with_a_key_is_one_line(site: Site) -> None:
    said = {
        words: site.keys(*words)
        for words in (
            ("create", "first"),
            ("create", "a$b"),
            ("create", "x", "--expires", "yesterday"),
            ("show", "frist"),
            ("change", "first"),
        )
    }
    for words, ended in said.items():
        assert ended.returncode == 1, words
        assert ended.stderr.startswith("polychat: "), words
        assert len(ended.stderr.strip().splitlines()) == 1, words
    assert "did you mean first?" in said["show", "frist"].stderr
