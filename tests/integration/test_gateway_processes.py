"""Several gateway processes on one port, as one: what they share, and what becomes of it when one dies."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.fake_engine import SSE_HEAD, Call, FakeEngine, announced, event, replica_at
from tests.support.gateway_site import CHAT, Site
from tests.support.polling import eventually
from tests.support.processes import RoleProcess, descendants, free_port, is_alive, wait_until

STREAM = CHAT | {"stream": True}
NUM_STREAMS = 24
NUM_RESPONSES = 8
KEY = "key-of-an-admin"
HEADERS = {"authorization": f"Bearer {KEY}"}


@dataclass
class Gate:
    """Engines that begin to answer at once and end when they are told."""

    opened: asyncio.Event = field(default_factory=asyncio.Event)
    begun: Counter[str] = field(default_factory=Counter)

    def engine(self, name: str) -> "Engine":
        return Engine(self, name)


@asynccontextmanager
async def engines(site: Site, gate: Gate, names: str = "a") -> AsyncIterator[None]:
    """One replica for each letter; they end what they have begun, however the block ends."""
    async with site.engines(*(gate.engine(name) for name in names)):
        try:
            yield
        finally:
            gate.opened.set()


@dataclass
class Engine:
    gate: Gate
    name: str

    async def __call__(self, call: Call) -> None:
        self.gate.begun[self.name] += 1
        await call.send(SSE_HEAD)
        await call.chunk(event("x"))
        await self.gate.opened.wait()
        await call.chunk(b"data: [DONE]\n\n")
        await call.chunk(b"")


@pytest.fixture(scope="module")
def controller_url() -> Iterator[str]:
    port = free_port()
    with RoleProcess("controller", "--port", str(port)) as controller:
        controller.wait_until_answers(f"http://127.0.0.1:{port}/health")
        yield f"http://127.0.0.1:{port}"


@contextmanager
def gateways(controller_url: str, num: int, *flags: str) -> Iterator[tuple[RoleProcess, Site]]:
    port = free_port()
    shared = ("--port", str(port), "--processes", str(num), "--controller-address", controller_url)
    with RoleProcess("api", *shared, *flags) as api:
        api.wait_for_line(f"from {num} processes" if num > 1 else "API on")
        wait_until(lambda: api.output.count("following the controller") == num)
        yield api, Site(controller_url, f"http://127.0.0.1:{port}")


@pytest.fixture
def pair(controller_url: str) -> Iterator[tuple[RoleProcess, Site]]:
    with gateways(controller_url, 2, "--admin-key", KEY) as running:
        yield running


async def stream(site: Site, told: list[str]) -> None:
    """On a connection of its own, so that the kernel picks the process."""
    async with httpx.AsyncClient(trust_env=False, headers=HEADERS, timeout=30) as http:
        try:
            async with http.stream("POST", f"{site.api_url}/v1/chat/completions", json=STREAM) as response:
                text = "".join([part async for part in response.aiter_text()])
        except httpx.HTTPError as exc:
            told.append(repr(exc))
            return
        told.append("whole" if "[DONE]" in text else text)


@pytest.fixture
async def streams() -> AsyncIterator["Streams"]:
    running = Streams()
    yield running
    await running.end()


@dataclass
class Streams:
    """Clients that read streams."""

    told: list[str] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self, site: Site, count: int) -> None:
        self.tasks += [asyncio.create_task(stream(site, self.told)) for _ in range(count)]

    async def end(self) -> None:
        await asyncio.gather(*self.tasks)


async def counted(site: Site, name: str) -> float:
    async with httpx.AsyncClient(trust_env=False, headers=HEADERS) as http:
        text = (await http.get(f"{site.api_url}/metrics")).text
    families = text_string_to_metric_families(text)
    return sum(sample.value for family in families for sample in family.samples if sample.name == name)


async def test_what_is_asked_of_any_process_is_told_of_all(
    pair: tuple[RoleProcess, Site], streams: Streams
) -> None:
    _, site = pair
    gate = Gate()
    async with engines(site, gate):
        streams.start(site, NUM_STREAMS)
        await site.until(in_flight=NUM_STREAMS)
        for _ in range(5):
            await site.until(in_flight=NUM_STREAMS)
            assert await counted(site, "polychat_requests_in_flight") == NUM_STREAMS
            async with httpx.AsyncClient(trust_env=False, headers=HEADERS) as http:
                running = (await http.get(f"{site.api_url}/admin/requests")).json()["data"]
            assert len({call["id"] for call in running}) == NUM_STREAMS
        gate.opened.set()
        await streams.end()
        assert streams.told == ["whole"] * NUM_STREAMS
        for _ in range(5):
            assert await counted(site, "polychat_requests_total") == NUM_STREAMS


async def test_a_background_response_is_cancelled_by_any_process_at_once(
    pair: tuple[RoleProcess, Site],
) -> None:
    (_, site), gate = pair, Gate()
    async with engines(site, gate):
        asked = {"model": "fake", "input": "hi", "background": True}
        made = [(await post(site, "/v1/responses", asked))["id"] for _ in range(NUM_RESPONSES)]
        await site.until(in_flight=NUM_RESPONSES)
        for id_ in made:
            assert (await post(site, f"/v1/responses/{id_}/cancel", {}))["status"] == "cancelled"
        assert (await site.health())["in_flight"] == 0


async def post(site: Site, path: str, body: dict[str, object]) -> dict[str, str]:
    """On a connection of its own."""
    async with httpx.AsyncClient(trust_env=False, headers=HEADERS, timeout=10) as http:
        response = await http.post(f"{site.api_url}{path}", json=body)
    answer: dict[str, str] = response.raise_for_status().json()
    return answer


@pytest.mark.parametrize("num_processes", [1, 2])
async def test_requests_are_spread_over_replicas_as_evenly_as_by_one_process(
    controller_url: str, streams: Streams, num_processes: int
) -> None:
    gate = Gate()
    with gateways(controller_url, num_processes, "--dispatch-method", "least_loaded") as (_, site):
        async with engines(site, gate, "abcd"):
            for _ in range(NUM_STREAMS):
                streams.start(site, 1)
                await eventually(lambda: all_begun(gate, len(streams.tasks)))
            assert sorted(gate.begun.values()) == [NUM_STREAMS // 4] * 4
            gate.opened.set()
            await streams.end()


async def all_begun(gate: Gate, count: int) -> bool:
    return gate.begun.total() == count


async def test_a_process_that_is_killed_is_replaced_and_its_requests_are_given_back(
    pair: tuple[RoleProcess, Site], streams: Streams
) -> None:
    api, site = pair
    gate = Gate()
    async with engines(site, gate):
        streams.start(site, NUM_STREAMS)
        await site.until(in_flight=NUM_STREAMS)
        before = await counted(site, "polychat_http_requests_total")
        killed, other = descendants(api.pid)
        os.kill(killed, signal.SIGKILL)
        api.wait_for_line(rf"gateway process {killed} ended \(SIGKILL\); another one starts now")
        wait_until(lambda: len(descendants(api.pid)) == 2)
        wait_until(lambda: api.output.count("following the controller") == 3)
        assert other in descendants(api.pid)
        await eventually(lambda: lost_are_told(streams))
        await site.until(in_flight=NUM_STREAMS - len(streams.told))
        assert await counted(site, "polychat_http_requests_total") >= before
        gate.opened.set()
        await streams.end()
        assert 0 < streams.told.count("whole") < NUM_STREAMS
        await site.until(in_flight=0)


async def lost_are_told(streams: Streams) -> bool:
    return len(streams.told) > 0


async def test_sigterm_cuts_no_stream_in_any_process(
    pair: tuple[RoleProcess, Site], streams: Streams
) -> None:
    (api, site), gate = pair, Gate()
    async with FakeEngine(gate.engine("a")) as engine, announced(site.controller_url, replica_at(engine.url)):
        await site.until(replicas=1)
        streams.start(site, NUM_STREAMS)
        await site.until(in_flight=NUM_STREAMS)
        children = descendants(api.pid)
        api.send(signal.SIGTERM)
        with pytest.raises(AssertionError):
            wait_until(lambda: not all(map(is_alive, children)), timeout_s=0.5)
        gate.opened.set()
        await streams.end()
        assert streams.told == ["whole"] * NUM_STREAMS
        assert await asyncio.to_thread(api.wait) == -signal.SIGTERM
        assert not any(map(is_alive, children))


def test_a_parent_that_is_killed_leaves_no_process(pair: tuple[RoleProcess, Site]) -> None:
    api, _ = pair
    children = descendants(api.pid)
    assert len(children) == 2
    api.kill()
    wait_until(lambda: not any(map(is_alive, children)), what="the processes to end")


def test_a_port_that_is_taken_is_one_line(pair: tuple[RoleProcess, Site]) -> None:
    port = pair[1].api_url.rpartition(":")[2]
    with RoleProcess("api", "--port", port, "--processes", "2") as second:
        assert second.wait() == 1
        [line] = second.output.strip().splitlines()
        assert line.startswith(f"polychat: port {port} on 127.0.0.1 is taken")


@pytest.mark.parametrize("value", ["-1", "33", "two"])
def test_a_number_of_processes_that_is_none_is_one_line(value: str) -> None:
    with RoleProcess("api", "--processes", value) as api:
        assert api.wait() == 2
        [line] = api.output.strip().splitlines()
        assert "--processes" in line
