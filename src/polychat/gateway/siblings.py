"""The other gateway processes under the same parent: who is asked for a sum asks them for their parts."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from polychat.gateway.frames import ANSWER, ASK, STATE, Frame, Reader, encoded
from polychat.notify import Notifier

PATIENCE_S = 2.0  # with the parent, which waits for the others for less
Part = Callable[[bytes], Awaitable[bytes]]


class Siblings:
    """The way to them. Without a parent there are none."""

    def __init__(self, sock: socket.socket | None = None) -> None:
        self._sock = sock
        self._writer: asyncio.StreamWriter | None = None
        self._waiting: dict[int, asyncio.Future[list[bytes]]] = {}
        self._number = 0

    def tell(self, state: str) -> None:
        """Tell the parent how we are. That it has gone is the lifeline's concern."""
        data = encoded(Frame(STATE, body=state.encode()))
        if self._writer is not None:
            self._writer.write(data)
        elif self._sock is not None:
            with contextlib.suppress(OSError):
                self._sock.sendall(data)

    async def ask(self, what: str, body: bytes = b"") -> list[bytes]:
        """What the others say; those that do not answer in time are left out."""
        if self._writer is None:
            return []
        self._number += 1
        number = self._number
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            self._writer.write(encoded(Frame(ASK, number, what, body)))
            async with asyncio.timeout(PATIENCE_S):
                answers: list[bytes] = await answer
            return answers
        except (OSError, TimeoutError):
            return []
        finally:
            del self._waiting[number]

    async def run(self, parts: Mapping[str, Part]) -> None:
        """Answer what they ask, as long as the task is not cancelled."""
        if self._sock is None:
            await asyncio.Event().wait()
            return
        reader, self._writer = await asyncio.open_connection(sock=self._sock)
        frames = Reader()
        while data := await reader.read(65_536):
            for frame in frames.feed(data):
                await self._take(frame, parts)
        self._writer = None
        await asyncio.Event().wait()  # the parent has gone, and we go by its lifeline

    async def _take(self, frame: Frame, parts: Mapping[str, Part]) -> None:
        if frame.kind == ASK:
            body = await parts[frame.what](frame.body)
            assert self._writer is not None
            self._writer.write(encoded(Frame(ANSWER, frame.number, frame.what, body)))
        elif (waiting := self._waiting.get(frame.number)) is not None and not waiting.done():
            waiting.set_result(frame.answers)


NO_SIBLINGS = Siblings()


@dataclass(frozen=True, slots=True)
class ToParent(Notifier):
    """Tells the parent how we are, as others tell systemd."""

    siblings: Siblings = NO_SIBLINGS

    def tell(self, state: str) -> None:
        """Send one state."""
        self.siblings.tell(state)
