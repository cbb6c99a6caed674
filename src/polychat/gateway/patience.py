"""What a request's headers say of its hurry: when its client stops waiting, whether it is part of a batch."""

import math
from collections.abc import Mapping

from polychat.gateway.caller import Priority

_TIMEOUTS = (  # what the SDKs of OpenAI and Anthropic send by themselves, and what others set
    b"x-request-timeout",
    b"x-stainless-read-timeout",
    b"x-stainless-timeout",
)
_USABLE = 0.9  # of a client's patience: its clock began before ours, and the answer has to travel
_PRIORITY = b"x-polychat-priority"
_NAMES = frozenset({*_TIMEOUTS, _PRIORITY})


def read(headers: Mapping[bytes, bytes], *, own: Priority, now_s: float) -> tuple[float | None, Priority]:
    """When the client stops waiting, if it says so, and the request's priority: at most its caller's own.

    What cannot be understood is left aside: these headers are advice.
    """
    if _NAMES.isdisjoint(headers):
        return None, own
    said = {name: headers[name] for name in _NAMES if name in headers}
    timeouts_s = [_seconds(said[name]) for name in _TIMEOUTS if name in said]
    shortest_s = min(timeouts_s, default=math.inf)
    asked_for_batch = said.get(_PRIORITY, b"").strip().lower() == Priority.BATCH.encode()
    return (
        None if math.isinf(shortest_s) else now_s + _USABLE * shortest_s,
        Priority.BATCH if asked_for_batch else own,
    )


def _seconds(value: bytes) -> float:
    """Infinite when it is no time that one can wait."""
    try:
        seconds = float(value)
    except ValueError:
        return math.inf
    return seconds if 0 < seconds < math.inf else math.inf
