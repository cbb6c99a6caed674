"""What one client has been sent of a stream, kept so that another replica can go on with it."""

import zlib
from dataclasses import dataclass, field

from polychat.engines.base import RequestView
from polychat.gateway.continuation import rejoin, request
from polychat.gateway.continuation.said import Said, said

MAX_BYTES = 4 * 1024 * 1024  # of events; a longer answer is not kept, and cannot be continued
FOLD_BYTES = 32 * 1024
"""Of events that are kept as they are. Each repeats most of the one before: packed, they take a twentieth."""


@dataclass(frozen=True, slots=True)
class Rest:
    """What is to be done for the rest of an answer."""

    body: bytes
    view: RequestView
    is_ended: bool = False  # nothing is left to ask for: `ending` is all that is missing
    ending: bytes = b""
    has_grown: bool = False  # the replica that died had added to the text: the request is not what kills it


@dataclass(slots=True)
class Transcript:
    """The events of one stream, as they went to the client."""

    _events: list[bytes] = field(default_factory=list)
    _open_bytes: int = 0  # of them
    _packed: list[bytes] = field(default_factory=list)  # the events before them
    _size_bytes: int = 0
    _before: Said | None = None  # what was there when the present replica took over
    _is_too_long: bool = False

    def passed(self, events: bytes) -> bytes:
        """Whole events of the replica that answers now, as they go to the client; they are noted."""
        if self._before is not None:
            events = rejoin.rejoined(events, self._before)
        self._size_bytes += len(events)
        if self._size_bytes > MAX_BYTES:
            self._events.clear()
            self._packed.clear()
            self._is_too_long = True
        else:
            self._keep(events)
        return events

    def _keep(self, events: bytes) -> None:
        self._events.append(events)
        self._open_bytes += len(events)
        if self._open_bytes > FOLD_BYTES:
            self._packed.append(zlib.compress(b"".join(self._events), level=1))
            self._events.clear()
            self._open_bytes = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been sent."""
        return not self._size_bytes

    def rest(self, body: bytes, view: RequestView) -> Rest | str:
        """How the answer to the request `body` goes on elsewhere, or why it cannot."""
        if self._is_too_long:
            return f"it is longer than {MAX_BYTES // 1024**2} MiB"
        try:
            so_far = said(b"".join([*map(zlib.decompress, self._packed), *self._events]))
        except ValueError:
            return "what has been sent of it is no chat or completion"
        if so_far.finish_reason or request.is_used_up(view, so_far):
            return Rest(body, view, is_ended=True, ending=rejoin.ending(so_far, finish_reason="length"))
        if reason := request.why_not(view, so_far):
            return reason
        before = len(self._before.text) if self._before is not None else 0
        self._before = so_far if so_far.head else None  # else the next one may begin
        return Rest(*request.continued(body, view, so_far), has_grown=len(so_far.text) > before)
