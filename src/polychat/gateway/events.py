"""A stream's bytes, cut so that what goes to the client is always whole events."""

import json
from collections.abc import Callable

from polychat import sse
from polychat.errors import ReplicaError

MAX_EVENT_BYTES = 16 * 1024 * 1024
_DONE_LINES = (b"data: [DONE]", b"data:[DONE]")
_ERROR_LINES = (b'data: {"error"', b'data:{"error"')
_ENGINES = frozenset({500, 502, 503, 504, "server_error", "internal_server_error", "InternalServerError"})


class EventRelay:
    """Takes a replica's bytes as they come and returns what the client gets: the same, or rewritten events.

    Half an event is held back until it is whole: when the replica dies within one, the error event that
    follows must not be glued to its first half. Of a stream that another one goes on with, "[DONE]" is kept.
    """

    def __init__(
        self,
        rewrite: Callable[[bytes], bytes] | None,
        *,
        goes_on: bool = False,
        max_event_bytes: int = MAX_EVENT_BYTES,
    ) -> None:
        self.is_done = False  # the closing event has come, or the engine's own error
        self._rewrite = rewrite or (_unchanged if goes_on else None)
        self._goes_on = goes_on
        self._max_event_bytes = max_event_bytes
        self._rest = b""
        self._splitter = sse.EventSplitter()

    @property
    def is_within_event(self) -> bool:
        """Whether half an event is held back."""
        return bool(self._rest or self._splitter.rest)

    def feed(self, data: bytes) -> bytes:
        """The events that `data` completes, b"" if none.

        Raises:
            ReplicaError: an event without an end.
        """
        if self._rewrite is None:
            events = self._cut(data)
        elif not self._splitter.rest and sse.is_one_line(data):
            events = self._rewritten(data, self._rewrite)
        else:
            events = b"".join([self._rewritten(event, self._rewrite) for event in self._splitter.feed(data)])
        if self.is_within_event:
            self._check_size()
        self.is_done = self.is_done or _is_last(events)
        return events

    def _cut(self, data: bytes) -> bytes:
        if self._rest:
            data = self._rest + data
        end = sse.whole_events_bytes(data)
        self._rest = data[end:]
        return data[:end]

    def _rewritten(self, event: bytes, rewrite: Callable[[bytes], bytes]) -> bytes:
        data = sse.data_of(event)
        if data == b"[DONE]" and self._goes_on:
            self.is_done = True
            return b""
        if data is None or data == b"[DONE]":
            return event
        changed = rewrite(data)
        if changed is data:
            return event
        if b"\n" not in changed and changed:
            return b"data: " + changed + b"\n\n"
        return b"".join([sse.encode(document) for document in changed.splitlines()])

    def _check_size(self) -> None:
        if max(len(self._rest), len(self._splitter.rest)) > self._max_event_bytes:
            raise ReplicaError("The replica broke off: it sent an event without an end.")


def failure_in(events: bytes) -> ReplicaError | None:
    """The failure that the last of these events tells, if the engine says that it failed itself.

    What is wrong with the request is the client's to read, as it came.
    """
    line = events.rstrip().rpartition(b"\n")[2]
    if not line.startswith(_ERROR_LINES):
        return None
    try:
        error = json.loads(line.partition(b":")[2])["error"]
        is_engines = error.get("code") in _ENGINES or error.get("type") in _ENGINES
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    reason = " ".join(str(error.get("message") or "it said no more").split())[:500]
    return ReplicaError(f"The replica failed: {reason.rstrip('.')}.") if is_engines else None


def _unchanged(data: bytes) -> bytes:
    return data


def _is_last(events: bytes) -> bool:
    """Whether the last event closes the stream: "[DONE]", or the engine's own error.

    Only a whole line counts: a model may say "[DONE]", but a line break within its text is escaped.
    """
    line = events.rstrip().rpartition(b"\n")[2]
    return line in _DONE_LINES or line.startswith(_ERROR_LINES)
