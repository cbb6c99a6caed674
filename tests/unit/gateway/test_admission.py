"""Requests for a busy model wait in line, and none of them is lost there."""

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polychat.engines.base import RequestView
from polychat.errors import Overloaded, PlatformError, RateLimited
from polychat.gateway.attempts import Attempts
from polychat.gateway.caller import Caller, Priority
from polychat.gateway.dispatch import Dispatcher
from polychat.gateway.journey import Journey
from polychat.gateway.line import Rules
from polychat.gateway.places import with_overlap
from polychat.routing import feed
from polychat.routing.registry import Registry
from polychat.routing.replica import Replica, ReplicaState
from polychat.types import Endpoint, Feature, Load

VIEW = RequestView(Endpoint.CHAT, "m")


def replica(id_: str = "a", *, slots: int = 1, features: frozenset[Feature] | None = None) -> Replica:
    return Replica(
        id=id_,
        url=f"http://{id_}",
        names=("org/m", "m"),
        engine="fake",
        endpoints=frozenset({Endpoint.CHAT, Endpoint.TOKENIZE}),
        state=ReplicaState.READY,
        load=Load(slots=slots),
        features=features,
    )


class Site:
    """A dispatcher, and requests that run until they are told to end."""

    def __init__(self, *replicas: Replica, rules: Rules | None = None) -> None:
        self.registry = Registry()
        for each in replicas:
            self.registry.put(each)
        self.dispatcher = Dispatcher(self.registry, "least_loaded", rules=rules or Rules())
        self.dispatcher.registry_changed()
        self.running: dict[str, asyncio.Event] = {}
        self.order: list[str] = []
        self.at: dict[str, str] = {}

    async def request(
        self,
        name: str,
        key_id: str = "",
        *,
        priority: Priority = Priority.INTERACTIVE,
        view: RequestView = VIEW,
        deadline_s: float | None = None,
    ) -> None:
        journey = Journey(name, Caller(key_id), priority, deadline_s=deadline_s, endpoint=view.endpoint)
        found = await self.dispatcher.choose(view, Attempts(), journey)
        with self.dispatcher.sending_to(found, journey):
            self.order.append(name)
            self.at[name] = found.id
            self.running[name] = asyncio.Event()
            await self.running[name].wait()
            journey.first_s = asyncio.get_running_loop().time()

    def begin(self, name: str, *args: str, **facts: object) -> asyncio.Task[None]:
        return asyncio.create_task(self.request(name, *args, **facts))  # type: ignore[arg-type]  # facts are request's

    async def fill(self) -> list[asyncio.Task[None]]:
        """Take every place at one replica with one slot."""
        tasks = [self.begin(f"running-{n}") for n in range(with_overlap(1))]
        await turn()
        self.order.clear()
        return tasks

    async def end(self, name: str) -> None:
        self.running.pop(name).set()
        await turn()


async def turn() -> None:
    """Let everything happen that can happen now."""
    for _ in range(6):
        await asyncio.sleep(0)


async def cancel(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_what_an_engine_cannot_take_waits_here_until_a_request_ends() -> None:
    site = Site(replica())
    running = await site.fill()
    waiting = site.begin("next")
    await turn()
    assert site.dispatcher.num_waiting == 1
    assert site.dispatcher.queues() == {"org/m": (1, 0)}
    await site.end("running-0")
    assert site.order == ["next"]
    await cancel(*running, waiting)


async def test_whoever_comes_later_does_not_overtake() -> None:
    site = Site(replica())
    running = await site.fill()
    waiting = site.begin("first")
    await turn()
    site.running.pop("running-0").set()
    late = site.begin("late")
    await turn()
    assert site.order == ["first"]
    await cancel(*running, waiting, late)


async def test_interactive_requests_go_first_and_callers_take_turns() -> None:
    site = Site(replica())
    tasks = await site.fill()
    tasks.append(site.begin("batch", "c", priority=Priority.BATCH))
    tasks += [site.begin(f"hog-{n}", "hog") for n in range(3)]
    tasks.append(site.begin("other", "b"))
    await turn()
    for name in ("running-0", "running-1", "hog-0", "other", "hog-1"):
        await site.end(name)
    assert site.order == ["hog-0", "other", "hog-1", "hog-2", "batch"]
    await cancel(*tasks)


async def test_one_whom_a_free_replica_cannot_serve_does_not_stop_the_others() -> None:
    blind, seeing = replica("blind", features=frozenset()), replica("seeing", features=frozenset(Feature))
    site = Site(blind, seeing)
    looks = RequestView(Endpoint.CHAT, "m", needs=frozenset({Feature.VISION}))
    tasks = [site.begin(f"running-{n}") for n in range(4)]
    await turn()
    tasks += [site.begin("looks", view=looks), site.begin("reads")]
    await turn()
    await site.end(next(name for name, at in site.at.items() if at == "blind"))
    assert site.order[4:] == ["reads"]
    await cancel(*tasks)


async def test_what_needs_no_place_does_not_wait_for_one() -> None:
    site = Site(replica())
    running = await site.fill()
    counting = site.begin("tokens", view=RequestView(Endpoint.TOKENIZE, "m"))
    await turn()
    assert site.order == ["tokens"]
    await cancel(*running, counting)


async def test_a_replica_that_comes_takes_those_that_wait() -> None:
    site = Site(replica("a"))
    tasks = [*await site.fill(), site.begin("next")]
    await turn()
    site.registry.put(replica("b"))
    site.dispatcher.registry_changed()
    await turn()
    assert site.at["next"] == "b"
    await cancel(*tasks)


async def test_a_load_report_that_shows_room_lets_the_next_one_go() -> None:
    site = Site(replica("a"))
    site.registry.report_load("a", Load(running=1, waiting=9, slots=1))
    tasks = [site.begin("only-one"), site.begin("next")]
    await turn()
    assert site.order == ["only-one"]
    site.registry.report_load("a", Load(running=1, slots=1))
    site.dispatcher.followed(feed.ReportLoad("a", Load(running=1, slots=1)))
    await turn()
    assert site.order == ["only-one", "next"]
    await cancel(*tasks)


async def test_a_full_queue_refuses_with_a_time_to_come_back() -> None:
    site = Site(replica(), rules=Rules(size=1))
    tasks = [*await site.fill(), site.begin("waits")]
    await turn()
    with pytest.raises(Overloaded, match="1 requests wait for it, and there is no room") as error:
        await site.request("too-many")
    assert int(error.value.headers["retry-after"]) >= 1
    await cancel(*tasks)


async def test_a_caller_that_fills_the_queue_is_refused_by_its_own_limit_and_makes_room_for_others() -> None:
    site = Site(replica(), rules=Rules(size=2))
    tasks = [*await site.fill(), site.begin("1", "hog"), site.begin("2", "hog")]
    await turn()
    with pytest.raises(RateLimited, match="as many requests waiting"):
        await site.request("3", "hog")
    other = site.begin("other", "b")
    await turn()
    with pytest.raises(RateLimited):
        await tasks[-1]
    assert site.dispatcher.num_waiting == 2
    await cancel(*tasks, other)


async def test_a_request_waits_for_a_busy_model_only_so_long() -> None:
    site = Site(replica(), rules=Rules(busy_s=0.02))
    running = await site.fill()
    with pytest.raises(Overloaded, match=r"has waited 0\.0 s"):
        await site.request("next")
    assert site.dispatcher.num_waiting == 0
    await cancel(*running)


async def test_a_request_leaves_the_queue_at_its_clients_deadline() -> None:
    site = Site(replica())
    running = await site.fill()
    with pytest.raises(Overloaded):
        await site.request("next", deadline_s=asyncio.get_running_loop().time() + 0.02)
    await cancel(*running)


async def test_a_request_that_would_wait_longer_than_its_client_is_refused_at_once() -> None:
    site = Site(replica())
    running = await site.fill()
    line = site.dispatcher._lines.line("org/m")
    for n in range(10):
        line.drain.finished(now_s=n, took_s=1.0, first_s=0.1, is_stream=False, others_wait=True)
    with pytest.raises(Overloaded, match="would wait for"):
        await site.request("next", deadline_s=asyncio.get_running_loop().time() + 0.5)
    assert site.dispatcher.num_waiting == 0
    await cancel(*running)


async def test_a_deadline_does_not_end_what_runs() -> None:
    site = Site(replica())
    task = site.begin("a", deadline_s=asyncio.get_running_loop().time() - 1)
    await turn()
    assert site.order == ["a"]
    await cancel(task)


async def test_a_place_that_was_given_to_a_client_that_leaves_goes_to_the_next() -> None:
    site = Site(replica())
    tasks = [*await site.fill(), site.begin("leaves"), site.begin("next")]
    await turn()
    site.running.pop("running-0").set()
    await asyncio.sleep(0)  # the place is given to "leaves", which has not run yet
    tasks[2].cancel()
    await turn()
    assert site.order == ["next"]
    await cancel(*tasks)


async def test_a_replica_that_is_set_aside_is_used_only_if_all_are() -> None:
    site = Site(replica("a", slots=8), replica("b", slots=8))
    now_s = asyncio.get_running_loop().time()
    site.dispatcher.breakers.failed("b", began_s=now_s, now_s=now_s)
    assert {(await site.dispatcher.choose(VIEW, Attempts())).id for _ in range(20)} == {"a"}
    site.dispatcher.breakers.failed("a", began_s=now_s, now_s=now_s + 0.1)
    assert (await site.dispatcher.choose(VIEW, Attempts())).id == "b"


async def test_each_request_gets_its_share_of_its_engines_time() -> None:
    site, journeys = Site(replica(slots=4)), [Journey("1"), Journey("2")]
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    with (
        site.dispatcher.sending_to(replica(), journeys[0]),
        site.dispatcher.sending_to(replica(), journeys[1]),
    ):
        await turn()
    assert 0 < sum(journey.engine_s for journey in journeys) <= loop.time() - began_s


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32))
def test_nothing_is_left_over_however_requests_come_end_and_leave(seed: int) -> None:
    asyncio.run(storm(random.Random(seed)))


async def storm(chance: random.Random) -> None:
    """Requests come, end, fail, leave and wait in vain; replicas come and go."""
    site = Site(replica("a"), replica("b", slots=2), rules=Rules(size=6, busy_s=0.01, absent_s=0.005))
    tasks = []
    for number in range(60):
        priority = chance.choice(list(Priority))
        tasks.append(site.begin(str(number), chance.choice("xyz"), priority=priority))
        if chance.random() < 0.3:
            chance.choice(tasks).cancel()
        if site.running and chance.random() < 0.7:
            site.running.pop(chance.choice(list(site.running))).set()
        if chance.random() < 0.1:
            change = (
                site.registry.put if chance.random() < 0.7 else lambda each: site.registry.remove(each.id)
            )
            change(replica("b", slots=2))
            site.dispatcher.registry_changed()
        for _ in range(chance.randrange(4)):
            await asyncio.sleep(0)
        assert len([at for at in site.dispatcher.in_flight.values() if at < 0]) == 0
    while not all(task.done() for task in tasks):
        for running in site.running.values():
            running.set()
        site.running.clear()
        await asyncio.sleep(0.001)
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(each is None or isinstance(each, PlatformError | asyncio.CancelledError) for each in outcomes)
    assert site.dispatcher.num_waiting == 0
    assert site.dispatcher.in_flight == {}
    assert [room.num_here for room in site.dispatcher._places._rooms.values() if room.num_here] == []
    assert not site.dispatcher._shares._clocks
