from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from polychat.engines.base import RequestView
from polychat.gateway.answers import Usage
from polychat.gateway.caller import Allowance, Caller
from polychat.gateway.journey import Outcome, Record
from polychat.gateway.quota import Hold, Quota
from polychat.schema.chat import ChatRequest, Message
from polychat.types import Endpoint

NOON_S = 1_795_435_200.0  # 2026-11-23 12:00 UTC


@dataclass
class Clock:
    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


def caller(**limits: float) -> Caller:
    return Caller("key_ann", "ann", "key_ann", allowance=Allowance(**limits))  # type: ignore[arg-type]


def view(max_tokens: int | None = None, n: int | None = None) -> RequestView:
    request = ChatRequest(
        model="m", messages=[Message(role="user", content="hi")], max_completion_tokens=max_tokens, n=n
    )
    return RequestView(Endpoint.CHAT, "m", request=request)


RECORD = Record(
    request_id="r", caller=caller(), endpoint=Endpoint.CHAT, model="m", is_stream=False,
    outcome=Outcome.ANSWERED, reason="", replica_id="a", engine="echo", attempts=1, continued=0, usage=None,
    waited_s=0.0, ttft_s=None, duration_s=1.0, engine_s=0.0,
)  # fmt: skip


def record(of: Caller, *, tokens: int | None = None, **facts: object) -> Record:
    """Of a request that used so many tokens, half of them for its prompt."""
    usage = None if tokens is None else Usage(tokens // 2, tokens - tokens // 2)
    return replace(RECORD, caller=of, usage=usage, **facts)


@dataclass
class Desk:
    """One gateway's quota, and its clocks."""

    quota: Quota
    clock: Clock
    wall: Clock

    def reserve(self, of: Caller, *, size_bytes: int = 40, max_tokens: int | None = 10) -> Hold | None:
        return self.quota.reserve(of, view(max_tokens), size_bytes=size_bytes)

    def pass_through(self, of: Caller, *, tokens: int = 0, **facts: object) -> None:
        """One request from its beginning to its end."""
        self.quota.settle(self.reserve(of), record(of, tokens=tokens, **facts))

    def told(self, of: Caller) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.quota.headers(of)}


@pytest.fixture
def desk() -> Desk:
    clock, wall = Clock(), Clock(NOON_S)
    return Desk(Quota(clock_s=clock, wall_s=wall), clock, wall)
