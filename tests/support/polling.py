"""Waiting in async tests for what is bound to happen."""

import asyncio
from collections.abc import Awaitable, Callable

POLL_S = 0.01


async def eventually(claim: Callable[[], Awaitable[bool]], *, timeout_s: float = 10.0) -> None:
    """Poll until `claim` is true; an AssertionError after the deadline."""
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + timeout_s
    while not await claim():
        assert loop.time() < deadline_s, f"not within {timeout_s:g} s"
        await asyncio.sleep(POLL_S)
