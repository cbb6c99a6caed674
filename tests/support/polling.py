"""Waiting in async tests for what another process does."""

import asyncio
from collections.abc import Awaitable, Callable

POLL_S = 0.02


async def eventually(condition: Callable[[], Awaitable[object]], *, timeout_s: float = 10.0) -> None:
    """Until awaiting `condition` gives something true; TimeoutError after the deadline."""
    async with asyncio.timeout(timeout_s):
        while not await condition():  # noqa: ASYNC110  # what is awaited happens in another process
            await asyncio.sleep(POLL_S)


async def refuses_connections(port: int) -> bool:
    """Whether nobody listens on the port any more."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False
