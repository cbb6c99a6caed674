"""A response's events: typed, numbered from 0 without gaps."""

import msgspec


class Events:
    """Collects the events of one response until they are taken."""

    def __init__(self) -> None:
        self._number = 0
        self._said: list[bytes] = []

    def add(self, type_: str, **fields: object) -> None:
        event = {"type": type_, "sequence_number": self._number, **fields}
        self._number += 1
        self._said.append(b"event: %b\ndata: %b\n\n" % (type_.encode(), msgspec.json.encode(event)))

    def take(self) -> bytes:
        """What was added since the last time, as server-sent events."""
        said, self._said = self._said, []
        return b"".join(said)
