"""The database on a real PostgreSQL server, and two gateways that share it."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import openai
import pytest

from polychat.db import address, check
from polychat.db.conformance import Conformance, ConformanceResult
from polychat.db.database import Database
from polychat.db.responses import Responses, StoredResponse
from polychat.errors import SetupError
from tests.support.gateway_site import Site
from tests.support.postgresql import PASSWORD, running_server
from tests.support.processes import RoleProcess, answers, descendants, free_ports, wait_until

FIRST = StoredResponse("resp_1", "ann", "m", 10.0, 10.0, "completed", None, '{"id":"resp_1"}', "[]")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running_server() as url:
        yield url


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    database = Database(address.parse(url))
    yield database
    await database.close()


async def test_gateways_that_start_at_once_make_the_tables_once(url: str) -> None:
    databases = [Database(address.parse(url)) for _ in range(4)]
    await asyncio.gather(*(database.open() for database in databases))
    await asyncio.gather(*(database.close() for database in databases))


async def test_responses_are_kept_as_in_sqlite(database: Database) -> None:
    responses = Responses(database)
    second = replace(FIRST, id="resp_2", previous_response_id="resp_1", status="in_progress")
    for stored in (FIRST, second, FIRST):
        await responses.save(stored)
    assert await responses.chain("resp_2", owner="ann") == [FIRST, second]
    assert await responses.chain("resp_2", owner="bob") == []
    assert await responses.touch(["resp_1", "resp_2"], now_s=20.0, only_from=frozenset({"in_progress"})) == {
        "resp_2"
    }
    assert not await responses.change(second, only_from=frozenset({"queued"}))
    assert await responses.delete("resp_1", owner="ann")
    assert await responses.remove_older(than_s=15.0) == 1


async def test_conformance_is_kept_as_in_sqlite(database: Database) -> None:
    table, result = Conformance(database), ConformanceResult("m", "vllm", 10.0, "{}")
    await table.save(result)
    await table.save(replace(result, taken_at=20.0))
    assert await table.latest("m") == replace(result, taken_at=20.0)


async def test_a_wrong_password_is_one_line_without_it(url: str) -> None:
    wrong = address.parse(url.replace(PASSWORD, "wr0ng"))
    with pytest.raises(SetupError, match="password authentication failed") as caught:
        await check.require_usable(wrong)
    assert "wr0ng" not in str(caught.value)


@pytest.fixture(scope="module")
def sites(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Site]]:
    """Two gateways over one database, with a slow echo engine behind both."""
    controller, worker, *ports = free_ports(4)
    controller_url = f"http://127.0.0.1:{controller}"
    place = ("--controller", controller_url)
    env = {"POLYCHAT_HOME": str(tmp_path_factory.mktemp("home")), "POLYCHAT_DB": url}
    slow = ("worker", "--engine", "echo", "--model-names", "slow", "--echo-tokens-per-s", "5")
    first, second = (Site(controller_url, f"http://127.0.0.1:{port}") for port in ports)
    with (
        RoleProcess("controller", "--port", str(controller)) as process,
        RoleProcess("api", "--port", str(ports[0]), "--drain-timeout", "0", *place, env=env),
        RoleProcess("api", "--port", str(ports[1]), "--drain-timeout", "0", *place, env=env),
        RoleProcess(*slow, "--port", str(worker), *place),
    ):
        process.wait_until_answers(f"{controller_url}/health")
        for site in (first, second):
            wait_until(lambda site=site: answers(f"{site.api_url}/v1/models/slow"))  # type: ignore[misc]
        yield first, second


@pytest.fixture
async def sdks(sites: tuple[Site, Site]) -> AsyncIterator[tuple[openai.AsyncOpenAI, openai.AsyncOpenAI]]:
    first, second = sites
    async with first.sdk() as one, second.sdk() as other:
        yield one, other


async def test_what_one_gateway_stores_the_other_knows(
    sdks: tuple[openai.AsyncOpenAI, openai.AsyncOpenAI],
) -> None:
    one, other = sdks
    made = await one.responses.create(model="slow", input="hi")
    assert await other.responses.retrieve(made.id) == made
    going_on = await other.responses.create(model="slow", input="hi", previous_response_id=made.id)
    assert going_on.previous_response_id == made.id


async def test_what_one_gateway_runs_the_other_can_cancel(
    sdks: tuple[openai.AsyncOpenAI, openai.AsyncOpenAI], sites: tuple[Site, Site]
) -> None:
    one, other = sdks
    running = await one.responses.create(model="slow", input="word " * 300, background=True)
    assert (await other.responses.cancel(running.id)).status == "cancelled"
    await sites[0].until(in_flight=0)
    assert (await one.responses.retrieve(running.id)).status == "cancelled"


def test_a_password_is_on_no_command_line(sites: tuple[Site, Site]) -> None:
    commands = descendants(os.getpid()).values()
    assert any(sites[0].controller_url in command for command in commands)
    assert not any(PASSWORD in command for command in commands)
