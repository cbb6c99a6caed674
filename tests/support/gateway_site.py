"""A running controller and gateway, and scripted engines that come and go behind them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx
import openai

from tests.support.fake_engine import FakeEngine, Script, announced, replica_at
from tests.support.polling import eventually
from tests.support.processes import RoleProcess, free_port

CHAT = {"model": "fake", "messages": [{"role": "user", "content": "hi"}]}


@dataclass
class Site:
    """Where the processes listen."""

    controller_url: str
    api_url: str

    @asynccontextmanager
    async def engines(self, *scripts: Script, **facts: object) -> AsyncIterator[list[FakeEngine]]:
        """One replica of the model "fake" for each script, known to the gateway; gone from it afterwards."""
        async with AsyncExitStack() as stack:
            engines = [await stack.enter_async_context(FakeEngine(script)) for script in scripts]
            replicas = [replica_at(engine.url, **facts) for engine in engines]
            async with announced(self.controller_url, *replicas):
                await self.until(replicas=len(engines))
                yield engines
            await self.until(replicas=0)

    async def health(self) -> dict[str, int]:
        async with httpx.AsyncClient(trust_env=False) as http:
            facts: dict[str, int] = (await http.get(f"{self.api_url}/health")).json()
            return facts

    async def until(self, **facts: int) -> None:
        """Until the gateway says so of itself."""

        async def says_so() -> bool:
            return facts.items() <= (await self.health()).items()

        await eventually(says_so)

    def sdk(self) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(base_url=f"{self.api_url}/v1", api_key="any", max_retries=0, timeout=20)


def start_api(controller_url: str, *flags: str) -> tuple[RoleProcess, str]:
    port = free_port()
    api = RoleProcess("api", "--port", str(port), "--controller", controller_url, *flags)
    api.wait_until_answers(f"http://127.0.0.1:{port}/health")
    return api, f"http://127.0.0.1:{port}"


async def refuses_connections(port: int) -> bool:
    """Whether nobody listens on the port any more."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False
