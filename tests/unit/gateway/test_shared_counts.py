"""Counts of requests at replicas that processes share: here several in one process; a dead one has let go."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polychat.engines.base import RequestView
from polychat.gateway import shared_counts
from polychat.gateway.dispatch import Attempts, Dispatcher
from polychat.gateway.limits import Limits
from polychat.gateway.places import Places, with_overlap
from polychat.gateway.shared_counts import ALONE, MAX_PROCESSES, MAX_REPLICAS, SharedCounts, opened
from polychat.gateway.shared_file import SharedFile
from polychat.routing.node import Node
from polychat.routing.registry import Registry
from polychat.routing.replica import Outside, Replica, ReplicaState
from polychat.types import Endpoint, Load

REPLICAS = ("a", "b", "c")
DIE, FORGET = "die", "forget"


def replica(load: Load, id_: str = "a") -> Replica:
    return Replica(id_, "http://a", ("m",), "fake", frozenset({Endpoint.CHAT}), ReplicaState.READY, load)


def dispatcher_of(only: Replica, counts: SharedCounts) -> Dispatcher:
    registry = Registry()
    registry.put(only)
    return Dispatcher(registry, "least_loaded", counts=counts)


class Mortal:
    """A process that counts, and may be killed."""

    def __init__(self, folder: Path) -> None:
        self._file = SharedFile.opened(folder, "counts", shared_counts.SIZE, most=MAX_PROCESSES)
        self.counts = SharedCounts(self._file)
        self.running: Counter[str] = Counter()

    def act(self, what: str, replica_id: str) -> None:
        if what == "begin":
            self.counts.begin(replica_id)
            self.running[replica_id] += 1
        elif what == FORGET:
            self.counts.keep_only({replica_id})
        elif self.running[replica_id]:
            self.counts.end(replica_id)
            self.running[replica_id] -= 1

    def die(self) -> None:
        """As by SIGKILL: its locks go, its counts stay."""
        self._file.close()


def close_all(living: list[Mortal]) -> None:
    for each in living:
        each.counts.close()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[SharedCounts, SharedCounts]]:
    one, other = SharedCounts.shared(tmp_path), SharedCounts.shared(tmp_path)
    yield one, other
    one.close()
    other.close()


def test_each_sees_at_once_what_the_others_have(pair: tuple[SharedCounts, SharedCounts]) -> None:
    one, other = pair
    one.begin("a")
    one.begin("a")
    other.begin("a")
    assert (one.others("a"), other.others("a"), one.of("a")) == (1, 2, 3)
    assert one.others("b") == 0


def test_a_replica_that_all_have_forgotten_leaves_its_row_to_another(
    pair: tuple[SharedCounts, SharedCounts],
) -> None:
    for number in range(100):
        for counts in pair:
            counts.begin(f"replica-{number}")
            counts.end(f"replica-{number}")
            counts.keep_only(set())
    assert [counts.of("new") for counts in pair] == [0, 0]
    assert pair[0]._row("new") == 0


def test_one_that_is_still_known_to_a_process_keeps_its_row(pair: tuple[SharedCounts, SharedCounts]) -> None:
    one, other = pair
    one.begin("a")
    other.begin("a")
    one.end("a")
    one.keep_only(set())
    one.begin("b")
    assert (other.of("a"), other.of("b"), one.of("a")) == (1, 1, 1)


def test_more_replicas_than_there_are_rows_are_counted_in_one(tmp_path: Path) -> None:
    counts = SharedCounts.shared(tmp_path)
    counts._known_by[:] = memoryview(b"\1\0\0\0\0\0\0\0" * MAX_REPLICAS).cast("Q")
    counts.begin("x")
    counts.begin("y")
    counts.end("x")
    counts.end("y")
    assert counts.of("x") == 0
    counts.close()


_ACTS = st.tuples(
    st.sampled_from(range(3)),
    st.sampled_from(("begin", "begin", "end", FORGET, DIE)),
    st.sampled_from(REPLICAS),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_ACTS, max_size=40))
def test_whoever_begins_ends_and_dies_the_counts_are_those_of_the_living(
    acts: list[tuple[int, str, str]],
) -> None:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        living = [Mortal(folder) for _ in range(3)]
        stack.callback(close_all, living)
        for process, what, replica_id in acts:
            if what == DIE:
                living[process].die()
                living[process] = Mortal(folder)  # which clears what the dead one left
            else:
                living[process].act(what, replica_id)
            for id_ in REPLICAS:
                assert living[0].counts.of(id_) == sum(each.running[id_] for each in living)
        for each in living:
            for id_ in REPLICAS:
                while each.running[id_]:
                    each.act("end", id_)
        assert [living[0].counts.of(id_) for id_ in REPLICAS] == [0, 0, 0]


def test_counts_that_cannot_be_shared_are_those_of_one_gateway(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert opened(tmp_path / "file") is ALONE


def test_two_gateways_fill_a_replica_together(pair: tuple[SharedCounts, SharedCounts]) -> None:
    one, other = (Places(counts) for counts in pair)
    seen = replica(Load(slots=8))
    total = 0
    while one.is_free(seen) or other.is_free(seen):
        for places in (one, other):
            if places.is_free(seen):
                places.begin("a")
                total += 1
    assert total == with_overlap(8)


def test_a_gateway_gets_its_part_of_a_replica_that_another_has_filled(
    pair: tuple[SharedCounts, SharedCounts],
) -> None:
    one, other = (Places(counts) for counts in pair)
    pair[0].give_back()
    pair[1].give_back()
    seen = replica(Load(slots=8))
    while one.is_free(seen):
        one.begin("a")
    got = 0
    while other.is_free(seen):
        other.begin("a")
        got += 1
    assert got == with_overlap(8) // 2
    for _ in range(got):
        one.end("a")
        assert not other.is_free(seen)


def test_a_node_adds_what_other_gateways_have_and_counts_none_of_it_twice() -> None:
    node = Node(replica(Load()), 0)
    node.begin(0.0, 1)
    node.heed(3)
    assert node.unfinished == 4
    node.renew(replica(Load(running=6)))
    assert node.unfinished == 6
    node.heed(1)
    node.end()
    assert node.unfinished == 3


async def test_who_waits_is_let_go_when_another_gateway_has_left_a_place(
    pair: tuple[SharedCounts, SharedCounts],
) -> None:
    only = replace(replica(Load()), outside=Outside("p", max_concurrent=1))
    one, other = (dispatcher_of(only, counts) for counts in pair)
    with one.sending_to(only):
        waiting = asyncio.create_task(other.choose(RequestView(Endpoint.CHAT, "m"), Attempts()))
        await asyncio.sleep(0)
        other.look_again()
        assert other.num_waiting == 1
    other.look_again()
    assert await waiting == only


def test_a_gateway_sends_its_even_part_of_what_a_provider_takes_in_a_minute() -> None:
    limits, only = Limits(), replace(replica(Load()), outside=Outside("p", requests_per_minute=4))
    for now_s in (0.0, 1.0):
        assert limits.opens_s(only, in_flight=0, now_s=now_s, share=0.5) <= now_s
        limits.begin(only, now_s=now_s)
    assert limits.opens_s(only, in_flight=0, now_s=2.0, share=0.5) == 60.0
    assert limits.opens_s(only, in_flight=0, now_s=2.0) <= 2.0
