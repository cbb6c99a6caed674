"""An answer being written, read in a task of its own: so it can be stopped even before its first token."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from polychat.client import ApiError, Client, Delta, SamplingOptions
from polychat.web.problems import explain
from polychat.web.session import Chat

REDRAW_S = 0.04
"""A page is redrawn at most this often: each redraw costs the browser more than the tokens in it."""


class Answers:
    """The answers being written now, by page."""

    def __init__(self, client: Client, *, redraw_s: float = REDRAW_S) -> None:
        self._client = client
        self._redraw_s = redraw_s
        self._reading: dict[str, asyncio.Task[None]] = {}

    def is_writing(self, page: str) -> bool:
        return page in self._reading

    def stop(self, page: str) -> None:
        """End the answer of `page`, if there is one; closing its connection frees the engine."""
        if reading := self._reading.get(page):
            reading.cancel()

    async def write(
        self, chat: Chat, *, page: str, model: str, system_prompt: str, options: SamplingOptions
    ) -> AsyncGenerator[Chat, None]:
        """`chat` after each piece of its last turn's answer. The last one is complete, stopped or failed."""
        deltas = self._client.stream_chat(model=model, messages=chat.messages(system_prompt), options=options)
        arrived: asyncio.Queue[Delta | None] = asyncio.Queue()
        reading = asyncio.create_task(_read(deltas, arrived))
        reading.add_done_callback(lambda _: arrived.put_nowait(None))  # also if stopped before it ran
        self._reading[page] = reading
        try:
            async for batch in _batches(arrived, self._redraw_s):
                for delta in batch:
                    chat = chat.append(delta)
                yield chat
            yield await _ended(chat, reading)
        finally:
            reading.cancel()
            if self._reading.get(page) is reading:
                del self._reading[page]


async def _read(deltas: AsyncGenerator[Delta, None], arrived: asyncio.Queue[Delta | None]) -> None:
    async with aclosing(deltas):
        async for delta in deltas:
            arrived.put_nowait(delta)


async def _batches(arrived: asyncio.Queue[Delta | None], pause_s: float) -> AsyncIterator[list[Delta]]:
    """What has arrived since the last look, until the end; the first piece at once."""
    while delta := await arrived.get():
        batch = [delta]
        while not arrived.empty() and (delta := arrived.get_nowait()):
            batch.append(delta)
        yield batch
        if delta is None:
            return
        await asyncio.sleep(pause_s)


async def _ended(chat: Chat, reading: asyncio.Task[None]) -> Chat:
    await asyncio.wait({reading})
    if reading.cancelled():
        return chat.stop() if chat.is_answering else chat
    try:
        reading.result()
    except ApiError as error:
        return chat.fail(explain(error))
    return chat
