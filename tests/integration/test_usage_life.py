"""What the account of usage says when gateways and databases die: all of it, and nothing twice."""

import asyncio
import resource
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import pytest

from polychat.gateway.journal import FLUSH_S
from tests.support import postgresql
from tests.support.lossy_proxy import lossy_proxy
from tests.support.polling import eventually
from tests.support.usage_site import Service, service

CHAT = {"model": "echo", "messages": [{"role": "user", "content": "hi there"}]}
NUM_AT_ONCE = 8
ENDED = -signal.SIGTERM  # as it was told to, in its own time


class Client:
    """Asks without end, and notes when each answer came."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.num_sent = 0
        self.answered_s: list[float] = []

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[None]:
        """While the block runs, and until each answer has come."""
        self._is_on = True
        async with httpx.AsyncClient(trust_env=False, base_url=self._url, timeout=20) as http:
            tasks = [asyncio.create_task(self._ask(http)) for _ in range(NUM_AT_ONCE)]
            try:
                yield
            finally:
                self._is_on = False
                await asyncio.gather(*tasks)

    async def until_answered(self, count: int) -> None:
        wanted = len(self.answered_s) + count

        async def has_answers() -> bool:
            return len(self.answered_s) >= wanted

        await eventually(has_answers, timeout_s=60)

    async def _ask(self, http: httpx.AsyncClient) -> None:
        while self._is_on:
            self.num_sent += 1
            try:
                response = await http.post("/v1/chat/completions", json=CHAT)
            except httpx.TransportError:
                return
            assert response.status_code == 200
            self.answered_s.append(time.monotonic())


@pytest.fixture(scope="module")
def server() -> Iterator[postgresql.Server]:
    with postgresql.server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/test.db"
    server: postgresql.Server = request.getfixturevalue("server")
    return server.url


@pytest.fixture
def site(db: str, tmp_path: Path) -> Iterator[Service]:
    with service(str(tmp_path / "home"), db) as site:
        site.start_worker("--engine", "echo", "--model-names", "echo")
        yield site


@contextmanager
def _away(server: postgresql.Server) -> Iterator[None]:
    server.stop()
    try:
        yield
    finally:
        server.start()


def _requests(site: Service) -> int:
    return sum(row["requests"] for row in site.rows("outcome"))


async def _until_all_noted(site: Service, count: int) -> None:
    async def are_noted() -> bool:
        return await asyncio.to_thread(_requests, site) >= count

    await eventually(are_noted, timeout_s=20)
    assert _requests(site) == count


async def test_a_gateway_that_is_killed_loses_a_second_at_most_and_counts_nothing_twice(
    site: Service,
) -> None:
    before = _requests(site)
    api, url = site.start_api("echo")
    client = Client(url)
    async with client.asking():
        await client.until_answered(500)
        api.kill()
        killed_s = time.monotonic()
    noted = _requests(site) - before
    assert sum(at_s < killed_s - 1.0 for at_s in client.answered_s) <= noted <= client.num_sent


async def test_a_gateway_that_is_told_to_end_loses_nothing(site: Service) -> None:
    before = _requests(site)
    api, url = site.start_api("echo")
    client = Client(url)
    async with client.asking():
        await client.until_answered(300)
    assert api.stop() == ENDED
    assert _requests(site) - before == client.num_sent == len(client.answered_s)


async def test_answers_go_on_while_the_database_is_away_and_all_are_counted(
    server: postgresql.Server, tmp_path: Path
) -> None:
    with service(str(tmp_path / "home"), server.url) as site:
        site.start_worker("--engine", "echo", "--model-names", "echo")
        before = _requests(site)
        api, url = site.start_api("echo")
        client = Client(url)
        async with client.asking():
            await client.until_answered(200)
            with _away(server):
                await client.until_answered(200)
                await asyncio.sleep(4 * FLUSH_S)  # several tries fail
            await client.until_answered(200)
        await _until_all_noted(site, before + client.num_sent)
        assert api.output.count("postgresql://") <= 3, api.output  # not a line for each try


async def test_a_full_disk_stops_no_answer_and_loses_nothing(tmp_path: Path) -> None:
    with service(str(tmp_path / "home"), f"sqlite:///{tmp_path}/test.db") as site:
        site.start_worker("--engine", "echo", "--model-names", "echo")
        api, url = site.start_api("echo")
        client = Client(url)
        async with client.asking():
            await client.until_answered(100)
            _, hard = resource.prlimit(api.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
            await client.until_answered(100)
            await asyncio.sleep(4 * FLUSH_S)  # several tries fail
            resource.prlimit(api.pid, resource.RLIMIT_FSIZE, (hard, hard))
        await _until_all_noted(site, client.num_sent)
        assert 1 <= api.output.count("test.db: ") <= 2, api.output  # not a line for each try


async def test_what_the_database_missed_at_the_end_is_taken_in_by_the_next_gateway(
    server: postgresql.Server, tmp_path: Path
) -> None:
    with service(str(tmp_path / "home"), server.url) as site:
        site.start_worker("--engine", "echo", "--model-names", "echo")
        before = _requests(site)
        api, url = site.start_api("echo")
        client, leaving = Client(url), ExitStack()
        async with client.asking():
            await client.until_answered(100)
            leaving.enter_context(_away(server))
            await client.until_answered(100)
        with leaving:
            api.send(signal.SIGTERM)
            assert api.wait(timeout_s=15) == ENDED
        (kept,) = (tmp_path / "home" / "spool").iterdir()
        assert kept.stat().st_mode & 0o777 == 0o600
        for _ in range(2):
            site.start_api("echo")
        await _until_all_noted(site, before + client.num_sent)
        assert not kept.exists()


async def test_a_commit_whose_answer_is_lost_counts_once(server: postgresql.Server, tmp_path: Path) -> None:
    async with lossy_proxy(server.port) as proxy:
        with service(str(tmp_path / "home"), server.url) as site:
            site.start_worker("--engine", "echo", "--model-names", "echo")
            before = _requests(site)
            site.db = server.url_at(proxy.port)
            api, url = await asyncio.to_thread(site.start_api, "echo")
            site.db = server.url
            client = Client(url)
            async with client.asking():
                await client.until_answered(50)
                proxy.num_to_lose = 3
                while proxy.num_lost < 3:
                    await client.until_answered(10)
            assert await asyncio.to_thread(api.stop) == ENDED
            assert await asyncio.to_thread(_requests, site) - before == client.num_sent


async def test_a_database_that_hangs_holds_up_no_end_and_counts_once_when_it_goes_on(
    server: postgresql.Server, tmp_path: Path
) -> None:
    with service(str(tmp_path / "home"), server.url) as site:
        site.start_worker("--engine", "echo", "--model-names", "echo")
        before = _requests(site)
        api, url = site.start_api("echo")
        client, hanging = Client(url), ExitStack()
        async with client.asking():
            await client.until_answered(100)
            hanging.enter_context(server.stopped())
            await client.until_answered(100)
        with hanging:
            assert api.stop(timeout_s=12) == ENDED
        site.start_api("echo")
        await _until_all_noted(site, before + client.num_sent)
