"""A rolling restart of every worker and every gateway, under clients that retry nothing."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

import httpx
import pytest

from tests.support.cluster import ECHO
from tests.support.processes import RoleProcess, free_port, get_json, wait_until

NUM_REQUESTS = 10_000
CHAT = {"model": "echo", "messages": [{"role": "user", "content": "one two three"}]}


@dataclass
class Fleet:
    """A controller, two workers, and two gateways that share a port."""

    stack: ExitStack
    controller_port: int = field(default_factory=free_port)
    api_port: int = field(default_factory=free_port)
    worker_ports: tuple[int, int] = field(default_factory=lambda: (free_port(), free_port()))

    def __post_init__(self) -> None:
        controller = self.start("controller", "--port", str(self.controller_port))
        controller.wait_until_answers(f"{self.controller_url}/health")
        self.running: list[tuple[RoleProcess, Callable[[], RoleProcess]]] = []
        for port in self.worker_ports:
            self.running.append((self.worker(port), partial(self.worker, port)))
            self.running.append((self.api(), self.api))
        self.running.sort(key=lambda pair: pair[0].args[0])

    @property
    def controller_url(self) -> str:
        return f"http://127.0.0.1:{self.controller_port}"

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    def worker(self, port: int) -> RoleProcess:
        flags = ("--echo-tokens-per-s", "0", "--controller-address", self.controller_url)
        worker = self.start(*ECHO, "--port", str(port), *flags)
        wait_until(lambda: self.is_ready(port), timeout_s=20, what=f"the worker on {port}")
        return worker

    def api(self) -> RoleProcess:
        flags = ("--port", str(self.api_port), "--reuse-port", "--controller-address", self.controller_url)
        api = self.start("api", *flags)
        api.wait_for_line("following the controller")
        return api

    def is_ready(self, port: int) -> bool:
        replicas = get_json(f"{self.controller_url}/replicas")
        assert isinstance(replicas, list)
        return any(
            replica["url"].endswith(f":{port}") and replica["state"] == "ready" for replica in replicas
        )

    def restart_all(self) -> None:
        """One after the other, by SIGTERM."""
        for place, (process, start) in enumerate(self.running):
            process.send(signal.SIGTERM)
            assert process.wait(timeout_s=30) in (0, -signal.SIGTERM)
            self.running[place] = (start(), start)

    def start(self, *arguments: str) -> RoleProcess:
        return self.stack.enter_context(RoleProcess(*arguments))


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with ExitStack() as stack:
        yield Fleet(stack)


@dataclass
class Load:
    """Clients that ask until they are told to end, and how they fared."""

    url: str
    done: int = 0
    failed: list[str] = field(default_factory=list)
    is_over: bool = False

    async def ask_on_one_connection(self, pause_s: float) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
            while not self.is_over:
                await self._ask(http)
                await asyncio.sleep(pause_s)

    async def ask_on_a_new_connection_each_time(self) -> None:
        while not self.is_over:
            async with httpx.AsyncClient(trust_env=False, timeout=30, verify=False) as http:
                await self._ask(http)

    async def _ask(self, http: httpx.AsyncClient) -> None:
        try:
            response = await http.post(f"{self.url}/v1/chat/completions", json=CHAT)
        except httpx.HTTPError as exc:
            self.failed.append(repr(exc))
            return
        if response.status_code == 200 and "one two three" in response.text:
            self.done += 1
        else:
            self.failed.append(f"{response.status_code} {response.text}")


async def test_a_rolling_restart_of_workers_and_gateways_fails_no_request(fleet: Fleet) -> None:
    load = Load(fleet.api_url)
    async with asyncio.TaskGroup() as clients:
        for pause_s in (0.0, 0.0, 0.0, 0.0, 0.01, 0.1, 0.5, 1.0):
            clients.create_task(load.ask_on_one_connection(pause_s))
        clients.create_task(load.ask_on_a_new_connection_each_time())
        rounds = 0
        while not rounds or (load.done < NUM_REQUESTS and not load.failed):
            await asyncio.to_thread(fleet.restart_all)
            rounds += 1
        load.is_over = True
    assert load.failed == []
    assert load.done >= NUM_REQUESTS
