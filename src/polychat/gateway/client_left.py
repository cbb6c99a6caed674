"""A client that leaves: what was done for it is cancelled."""

import asyncio
from types import TracebackType
from typing import Self


class ClientLeft(Exception):
    """The client closed the connection; there is nobody to answer."""


class LeavingCancels:
    """Works as asyncio.timeout does, with the client's leaving for a clock."""

    __slots__ = ("_has_left", "_is_over", "_num_cancelling", "_task")

    def __init__(self, *, has_left: bool) -> None:
        self._has_left = has_left
        self._is_over = False
        self._task: asyncio.Task[object] | None = None
        self._num_cancelling = 0

    async def __aenter__(self) -> Self:
        self._task = asyncio.current_task()
        assert self._task is not None, "must run in a task"
        self._num_cancelling = self._task.cancelling()
        if self._has_left:
            self._task.cancel()
        return self

    def left(self) -> None:
        """The client is gone."""
        if self._task is not None and not (self._has_left or self._is_over):
            self._has_left = True
            self._task.cancel()

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over = True
        assert self._task is not None
        if (
            self._has_left
            and self._task.uncancel() <= self._num_cancelling
            and kind is asyncio.CancelledError
        ):
            raise ClientLeft from exc
