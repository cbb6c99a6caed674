"""Server-sent events, the framing of every streamed response.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

DONE = b"data: [DONE]\n\n"


def encode(data: bytes) -> bytes:
    """Frame one JSON document as one event. `data` must hold no newline."""
    assert b"\n" not in data, "an SSE data line cannot hold a newline"
    return b"data: " + data + b"\n\n"


def whole_events_bytes(data: bytes) -> int:
    """How many bytes at the beginning of `data` are whole events."""
    if data.endswith(b"\n\n"):
        return len(data)
    lf, crlf = data.rfind(b"\n\n"), data.rfind(b"\r\n\r\n")
    return max(lf + 2 if lf >= 0 else 0, crlf + 4 if crlf >= 0 else 0)


def is_one_line(data: bytes) -> bool:
    """Whether these bytes are one event of one line, as most pieces of most streams are."""
    return data.endswith(b"\n\n") and data.find(b"\n") == len(data) - 2 and b"\r" not in data


class EventSplitter:
    """Cuts a byte stream into whole events, however the bytes were split on the way.

    An event is everything up to and including an empty line; CRLF and LF both end a line.
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The events that `data` completes, each with its closing empty line, in order."""
        pending = self._rest + data
        if b"\r" in pending:
            pending = pending.replace(b"\r\n", b"\n")
        *events, self._rest = pending.split(b"\n\n")
        return [event + b"\n\n" for event in events]

    @property
    def rest(self) -> bytes:
        """Bytes of an event that has not ended yet."""
        return self._rest


def data_of(event: bytes) -> bytes | None:
    """The data of one event, its lines joined by newlines; None for a comment or another field."""
    if event.startswith(b"data: ") and event.find(b"\n") == len(event) - 2:  # one line, as most have
        return event[6:-2]
    lines = [line[5:].removeprefix(b" ") for line in event.split(b"\n") if line.startswith(b"data:")]
    return b"\n".join(lines) if lines else None
