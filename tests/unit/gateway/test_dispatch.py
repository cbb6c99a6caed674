import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polychat.engines.base import RequestView
from polychat.errors import (
    NoReplicaAvailable,
    NotImplementedByModel,
    ReplicaError,
    ReplicaUnavailable,
    UnknownModel,
)
from polychat.gateway.attempts import MAX_DEATHS, Attempts
from polychat.gateway.dispatch import Dispatcher
from polychat.gateway.journey import Journey
from polychat.gateway.line import Rules
from polychat.routing.ask import ask_of
from polychat.routing.registry import Registry
from polychat.routing.replica import Replica, ReplicaState
from polychat.types import Endpoint


def replica(id_: str, state: ReplicaState = ReplicaState.READY) -> Replica:
    return Replica(
        id=id_,
        url=f"http://{id_}",
        names=("m",),
        engine="fake",
        endpoints=frozenset({Endpoint.CHAT}),
        state=state,
    )


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
async def dispatcher(registry: Registry) -> Dispatcher:
    dispatcher = Dispatcher(registry, "least_loaded", rules=Rules(absent_s=0.05))
    dispatcher.registry_changed()
    return dispatcher


async def choose(dispatcher: Dispatcher, attempts: Attempts | None = None) -> str:
    return (await dispatcher.choose(RequestView(Endpoint.CHAT, "m"), attempts or Attempts())).id


async def test_the_policy_sees_what_is_in_flight(registry: Registry, dispatcher: Dispatcher) -> None:
    registry.put(replica("a"))
    registry.put(replica("b"))
    with dispatcher.sending_to(replica("a")):
        assert await choose(dispatcher) == "b"


async def test_a_replica_that_failed_is_not_tried_again(registry: Registry, dispatcher: Dispatcher) -> None:
    registry.put(replica("a"))
    registry.put(replica("b"))
    attempts = Attempts()
    attempts.record(replica("a"), ReplicaUnavailable("away"), is_death=False)
    assert await choose(dispatcher, attempts) == "b"
    attempts.record(replica("b"), ReplicaUnavailable("away too"), is_death=False)
    with pytest.raises(ReplicaUnavailable, match="away too"):
        await choose(dispatcher, attempts)


async def test_a_replica_that_was_restarted_meanwhile_counts_as_a_new_one(
    registry: Registry, dispatcher: Dispatcher
) -> None:
    registry.put(replica("a"))
    attempts = Attempts()
    attempts.record(replica("a"), ReplicaError("died"), is_death=True)
    waiting = asyncio.create_task(choose(dispatcher, attempts))
    for state in (ReplicaState.STARTING, ReplicaState.READY):
        await asyncio.sleep(0)
        registry.put(replica("a", state))
        dispatcher.registry_changed()
    assert await waiting == "a"


def test_a_request_on_which_replicas_die_is_given_up() -> None:
    attempts = Attempts()
    for number in range(MAX_DEATHS - 1):
        attempts.record(replica(f"r{number}"), ReplicaError("died"), is_death=True)
    with pytest.raises(ReplicaError):
        attempts.record(replica("last"), ReplicaError("died"), is_death=True)


async def test_a_request_waits_for_a_replica_that_is_starting(
    registry: Registry, dispatcher: Dispatcher
) -> None:
    registry.put(replica("a", ReplicaState.STARTING))
    waiting = asyncio.create_task(choose(dispatcher))
    await asyncio.sleep(0)
    registry.put(replica("a"))
    dispatcher.registry_changed()
    assert await waiting == "a"


async def test_it_does_not_wait_for_ever(registry: Registry, dispatcher: Dispatcher) -> None:
    registry.put(replica("a", ReplicaState.STARTING))
    with pytest.raises(NoReplicaAvailable, match="starting"):
        await choose(dispatcher)


async def test_nobody_waits_for_what_will_not_come(registry: Registry, dispatcher: Dispatcher) -> None:
    registry.put(replica("a"))
    with pytest.raises(UnknownModel):
        await dispatcher.choose(RequestView(Endpoint.CHAT, "other"), Attempts())
    with pytest.raises(NotImplementedByModel):
        await dispatcher.choose(RequestView(Endpoint.EMBEDDINGS, "m"), Attempts())


async def test_a_model_whose_last_replica_went_just_now_is_not_unknown(
    registry: Registry, dispatcher: Dispatcher
) -> None:
    registry.put(replica("a"))
    dispatcher.registry_changed()
    registry.remove("a")
    dispatcher.registry_changed()
    with pytest.raises(NoReplicaAvailable, match="just gone"):
        await choose(dispatcher)


async def test_before_the_controller_was_heard_no_model_is_unknown(registry: Registry) -> None:
    with pytest.raises(NoReplicaAvailable, match="controller"):
        await choose(Dispatcher(registry, "least_loaded", rules=Rules(absent_s=0)))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([None, ReplicaError("x"), KeyError()]))))
def test_counts_return_to_nothing_however_requests_end(requests: list[tuple[str, Exception | None]]) -> None:
    async def play() -> None:
        dispatcher = Dispatcher(Registry(), "least_loaded")
        with contextlib.ExitStack() as open_requests:
            for id_, failure in requests:
                open_requests.enter_context(dispatcher.sending_to(replica(id_)))
                with contextlib.suppress(ReplicaError, KeyError), dispatcher.sending_to(replica(id_)):
                    if failure:
                        raise failure
            assert dispatcher.in_flight.total() == len(requests)
        assert dispatcher.in_flight == {}

    asyncio.run(play())


async def test_a_cancelled_request_gives_its_count_back(dispatcher: Dispatcher) -> None:
    async def request() -> None:
        with dispatcher.sending_to(replica("a")):
            await asyncio.Event().wait()

    task = asyncio.create_task(request())
    await asyncio.sleep(0)
    assert dispatcher.in_flight == {"a": 1}
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert dispatcher.in_flight == {}


async def test_a_first_token_teaches_the_engines_time_since_the_request_was_sent(registry: Registry) -> None:
    dispatcher = Dispatcher(registry, "cache_aware")
    registry.put(replica("a"))
    for _ in range(3):
        journey = Journey("req_1", is_stream=True)
        ask = ask_of(b"a long prompt " * 1000, seed="")
        with dispatcher.sending_to(replica("a"), journey, ask):
            await asyncio.sleep(0.01)
            dispatcher.answered(replica("a"), journey, ttft_s=0.01)
            await asyncio.sleep(0.01)
    node = dispatcher.router.node(replica("a"))
    assert 0 < node.prefill_s_per_byte * 14_000 < 1
    assert node.decode_each_s > 0
    assert node.pending_bytes == 0
