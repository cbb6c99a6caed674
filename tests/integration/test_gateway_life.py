"""How the gateway starts, what it refuses to start with, and how it ends."""

import asyncio
import json
import signal
import socket
from collections.abc import Iterator

import httpx
import pytest

from tests.support.fake_engine import SSE_HEAD, Call, FakeEngine, announced, event, replica_at
from tests.support.gateway_site import CHAT, refuses_connections, start_api
from tests.support.polling import eventually
from tests.support.processes import RoleProcess, free_port, wait_until


@pytest.fixture(scope="module")
def controller_url() -> Iterator[str]:
    port = free_port()
    with RoleProcess("controller", "--port", str(port)) as controller:
        controller.wait_until_answers(f"http://127.0.0.1:{port}/health")
        yield f"http://127.0.0.1:{port}"


def test_a_gateway_without_a_controller_serves_says_so_and_waits() -> None:
    api, url = start_api(f"http://127.0.0.1:{free_port()}", "--replica-timeout", "0.1")
    with api:
        assert httpx.get(f"{url}/health", trust_env=False).json()["controller_connected"] is False
        response = httpx.post(f"{url}/v1/chat/completions", json=CHAT, trust_env=False)
        assert response.status_code == 503
        assert "controller" in response.json()["error"]["message"]
        api.wait_for_line("no contact with the controller")


def test_a_taken_port_is_one_line_that_names_the_flag() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with RoleProcess("api", "--port", str(port)) as api:
            assert api.wait() == 1
            [line] = api.output.strip().splitlines()
            assert line.startswith(f"polychat: port {port} on 127.0.0.1 is taken; choose another with --port")


@pytest.mark.parametrize(
    ("flag", "value"),
    [("--dispatch-method", "magic"), ("--allowed-origins", "[1]"), ("--allowed-origins", "[")],
)
def test_a_bad_flag_is_one_line_that_names_it(flag: str, value: str) -> None:
    with RoleProcess("api", "--port", str(free_port()), flag, value) as api:
        assert api.wait() == 1
        assert api.output.startswith(f"polychat: {flag} {value}")


async def slow_stream(call: Call) -> None:
    await call.send(SSE_HEAD)
    for _ in range(10):
        await call.chunk(event("x"))
        await asyncio.sleep(0.1)
    await call.chunk(b"data: [DONE]\n\n")
    await call.chunk(b"")


async def endless_stream(call: Call) -> None:
    await call.send(SSE_HEAD)
    while True:
        await call.chunk(event("x"))
        await asyncio.sleep(0.05)


async def stream_through_shutdown(url: str, api: RoleProcess) -> bytes:
    """What a client gets of a stream in whose middle the gateway is told to end."""
    async with (
        httpx.AsyncClient(trust_env=False, timeout=20) as http,
        http.stream("POST", f"{url}/v1/chat/completions", json=CHAT | {"stream": True}) as response,
    ):
        chunks = response.aiter_bytes()
        got = await anext(chunks)
        api.send(signal.SIGTERM)
        await eventually(lambda: refuses_connections(httpx.URL(url).port or 0))
        async for chunk in chunks:
            got += chunk
    return got


async def test_sigterm_lets_running_streams_end_and_takes_no_new_ones(controller_url: str) -> None:
    async with (
        FakeEngine(slow_stream) as engine,
        announced(controller_url, replica_at(engine.url)),
    ):
        api, url = start_api(controller_url)
        with api:
            got = await stream_through_shutdown(url, api)
            assert got.count(b"data: ") == 11
            assert got.endswith(b"data: [DONE]\n\n")
            wait_until(lambda: api.returncode is not None, timeout_s=2)


async def test_a_stream_that_outlives_the_drain_timeout_ends_with_an_error_event(controller_url: str) -> None:
    async with (
        FakeEngine(endless_stream) as engine,
        announced(controller_url, replica_at(engine.url)),
    ):
        api, url = start_api(controller_url, "--drain-timeout", "1")
        with api:
            got = await stream_through_shutdown(url, api)
            assert b"shutting down" in got.splitlines()[-2]
            wait_until(lambda: api.returncode is not None, timeout_s=2)


async def test_a_second_signal_ends_it_at_once(controller_url: str) -> None:
    async with (
        FakeEngine(endless_stream) as engine,
        announced(controller_url, replica_at(engine.url)),
    ):
        api, url = start_api(controller_url, "--drain-timeout", "60")
        with api:
            reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(url).port)
            body = json.dumps(CHAT | {"stream": True}).encode()
            writer.write(
                b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)
                + body
            )
            await reader.readuntil(b"data: ")
            api.send(signal.SIGTERM)
            await eventually(lambda: refuses_connections(httpx.URL(url).port or 0))
            assert api.returncode is None
            api.send(signal.SIGTERM)
            wait_until(lambda: api.returncode is not None, timeout_s=2)
            writer.close()
