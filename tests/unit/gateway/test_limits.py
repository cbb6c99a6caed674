"""Servers with limits: a request waits for its turn, for a while."""

import asyncio
import math

import pytest

from polychat.engines.base import RequestView
from polychat.errors import ReplicaBusy
from polychat.gateway.dispatch import Attempts, Dispatcher
from polychat.gateway.limits import Limits, busy
from polychat.gateway.line import Rules
from polychat.routing.registry import Registry
from polychat.routing.replica import Outside, Replica, ReplicaState
from polychat.types import Endpoint

VIEW = RequestView(Endpoint.CHAT, "m")


def replica(id_: str = "a", **limits: int) -> Replica:
    endpoints = frozenset({Endpoint.CHAT})
    outside = Outside("p", **limits)  # type: ignore[arg-type]  # limits are numbers
    return Replica(id_, f"http://{id_}", ("m",), "openai", endpoints, ReplicaState.READY, outside=outside)


def dispatcher_of(*replicas: Replica, busy_s: float = 5.0) -> Dispatcher:
    registry = Registry()
    for each in replicas:
        registry.put(each)
    dispatcher = Dispatcher(registry, "least_loaded", rules=Rules(busy_s=busy_s))
    dispatcher.registry_changed()
    return dispatcher


async def test_a_request_waits_until_one_of_those_that_run_ends() -> None:
    only = replica(max_concurrent=1)
    dispatcher = dispatcher_of(only)
    with dispatcher.sending_to(only):
        waiting = asyncio.create_task(dispatcher.choose(VIEW, Attempts()))
        await asyncio.sleep(0)
        assert dispatcher.num_waiting == 1
    assert await waiting == only


async def test_it_does_not_wait_for_ever_and_is_told_why() -> None:
    only = replica(max_concurrent=2)
    dispatcher = dispatcher_of(only, busy_s=0.01)
    running = pytest.raises(ReplicaBusy, match="2 requests are running, as many as may")
    with dispatcher.sending_to(only), dispatcher.sending_to(only), running:
        await dispatcher.choose(VIEW, Attempts())


async def test_another_replica_with_room_gets_it() -> None:
    full, free = replica("full", max_concurrent=1), replica("free", max_concurrent=1)
    dispatcher = dispatcher_of(full, free)
    with dispatcher.sending_to(full):
        assert await dispatcher.choose(VIEW, Attempts()) == free


async def test_nobody_waits_for_providers_that_have_all_refused() -> None:
    only = replica()
    dispatcher, attempts = dispatcher_of(only, busy_s=60.0), Attempts()
    attempts.record(only, ReplicaBusy("slow down"), is_death=False)
    async with asyncio.timeout(1):
        with pytest.raises(ReplicaBusy, match="slow down"):
            await dispatcher.choose(VIEW, attempts)


async def test_a_minutes_requests_are_refused_with_the_seconds_until_the_next() -> None:
    only = replica(requests_per_minute=2)
    dispatcher = dispatcher_of(only, busy_s=0.01)
    for _ in range(2):
        with dispatcher.sending_to(await dispatcher.choose(VIEW, Attempts())):
            pass
    with pytest.raises(ReplicaBusy, match="2 requests went to it within a minute") as error:
        await dispatcher.choose(VIEW, Attempts())
    assert 58 <= int(error.value.headers["retry-after"]) <= 60


def test_a_minute_after_the_oldest_request_one_more_may_go() -> None:
    limits, only = Limits(), replica(requests_per_minute=2)
    for now_s in (100.0, 130.0):
        limits.begin(only, now_s=now_s)
    assert limits.opens_s(only, in_flight=0, now_s=131.0) == 160.0
    limits.begin(only, now_s=160.0)
    assert limits.opens_s(only, in_flight=0, now_s=161.0) == 190.0


def test_a_server_without_limits_is_always_open() -> None:
    limits = Limits()
    limits.begin(replica(), now_s=1.0)
    assert limits.opens_s(replica(), in_flight=1000, now_s=1.0) == -math.inf


def test_a_replica_that_came_back_begins_anew() -> None:
    limits, only = Limits(), replica(requests_per_minute=1)
    limits.begin(only, now_s=1.0)
    limits.keep_only({"another"})
    assert limits.opens_s(only, in_flight=0, now_s=2.0) == -math.inf


def test_what_is_told_to_wait_is_told_in_whole_seconds() -> None:
    assert busy(replica(requests_per_minute=1), opens_in_s=3.2).headers == {"retry-after": "4"}
