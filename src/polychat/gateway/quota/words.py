"""What clients are told of limits: headers and messages as OpenAI writes them. Pure."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from polychat.errors import BudgetSpent, RateLimited

RETRY_CONCURRENT_S = 1  # when a running request ends nobody knows

Headers = list[tuple[bytes, bytes]]


def span(seconds: float) -> str:
    """A time to wait: 120ms, 6s, 1.5s, 6m0s."""
    ms = math.ceil(seconds * 1000 - 1e-3)
    if ms < 1000:
        return f"{ms}ms"
    if ms < 60_000:
        return f"{ms / 1000:g}s"
    minutes, rest_s = divmod(math.ceil(ms / 1000), 60)
    return f"{minutes}m{rest_s}s"


Names = tuple[bytes, bytes, bytes]


def _names(kind: bytes) -> Names:
    return b"x-ratelimit-limit-" + kind, b"x-ratelimit-remaining-" + kind, b"x-ratelimit-reset-" + kind


REQUESTS, TOKENS = _names(b"requests"), _names(b"tokens")


def headers(names: Names, limit: int, level: float, empty_s: float) -> Headers:
    """How much there is per minute, how much of it is left, and when all is back."""
    left = math.floor(limit - level + 1e-6)
    return [
        (names[0], b"%d" % limit),
        (names[1], b"%d" % left if left > 0 else b"0"),
        (names[2], span(empty_s).encode()),
    ]


@dataclass(frozen=True, slots=True)
class Reached:
    """A limit that is reached."""

    key: str  # its name
    what: str  # is limited
    limit: float
    used: float

    def __str__(self) -> str:
        return f"Limit {_number(self.limit)}, Used {_number(self.used)}"


def rate_limited(reached: Reached, kind: str, *, need: int, wait_s: float) -> RateLimited:
    """A limit is reached for now. `kind`: requests or tokens."""
    return RateLimited(
        f"Rate limit reached for key {reached.key} on {reached.what}: {reached}, Requested {need}. "
        f"Try again in {span(wait_s)}.",
        kind=kind,
        retry_after_s=max(1, math.ceil(wait_s - 1e-3)),
        limits={},
    )


def too_large(key: str, *, limit: int, need: int) -> RateLimited:
    """No waiting helps."""
    return RateLimited(
        f"Request too large for key {key} on tokens per min: Limit {limit}, Requested {need}. "
        "Send a shorter prompt.",
        kind="tokens",
        retry_after_s=60,
        limits={"x-should-retry": "false"},  # OpenAI's SDKs heed it
    )


def budget_spent(reached: Reached, *, now_s: float, until_s: float) -> BudgetSpent:
    """Nothing is left until then, in Unix seconds."""
    when = datetime.fromtimestamp(until_s, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return BudgetSpent(
        f"The key {reached.key} has spent its budget of {reached.what}: {reached}. It begins anew on {when}.",
        retry_after_s=max(1, math.ceil(until_s - now_s)),
    )


def _number(count: float) -> str:
    return (
        str(math.ceil(count - 1e-6)) if count >= 1000 or abs(count - round(count)) < 1e-6 else f"{count:.4g}"
    )
