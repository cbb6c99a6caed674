"""A gateway's copy of the registry, message by message."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from polychat.routing import feed
from polychat.routing.feed import Beat, Follower, Put, Remove, ReportLoad, Snapshot
from polychat.routing.registry import Registry
from polychat.routing.replica import Replica, ReplicaState
from polychat.types import Endpoint, Load

A = Replica("a", "http://a", ("m",), "echo", frozenset({Endpoint.CHAT}), ReplicaState.READY)
B = replace(A, id="b", url="http://b")


def ids(registry: Registry) -> set[str]:
    return {replica.id for replica in registry}


def follow(*messages: feed.ToGateway, now_s: float = 0.0) -> tuple[Registry, Follower]:
    registry = Registry()
    follower = Follower(registry, grace_s=5.0)
    for message in messages:
        follower.apply(message, now_s=now_s)
    return registry, follower


def test_a_snapshot_and_its_changes_give_the_controllers_view() -> None:
    registry, _ = follow(Snapshot("c1", [A]), Put(B), ReportLoad("b", Load(running=2)), Remove("a"))
    assert list(registry) == [replace(B, load=Load(running=2))]


def test_a_reconnect_to_the_same_controller_drops_what_it_no_longer_knows() -> None:
    registry, _ = follow(Snapshot("c1", [A, B]), Snapshot("c1", [B]))
    assert ids(registry) == {"b"}


def test_a_restarted_controller_does_not_empty_the_gateway() -> None:
    registry, _ = follow(Snapshot("c1", [A]), Snapshot("c2", []))
    assert ids(registry) == {"a"}


def test_a_worker_that_does_not_come_back_to_a_restarted_controller_is_dropped_after_the_grace() -> None:
    registry, follower = follow(Snapshot("c1", [A, B]), Snapshot("c2", []), Put(A))
    follower.apply(Beat(), now_s=4.9)
    assert ids(registry) == {"a", "b"}
    follower.apply(Beat(), now_s=5.0)
    assert ids(registry) == {"a"}


def test_a_second_reconnect_within_the_grace_does_not_drop_what_is_doubted() -> None:
    registry, _ = follow(Snapshot("c1", [A]), Snapshot("c2", []), Snapshot("c2", []))
    assert ids(registry) == {"a"}


def test_a_load_report_for_a_removed_replica_does_not_bring_it_back() -> None:
    registry, _ = follow(Snapshot("c1", [A]), Remove("a"), ReportLoad("a", Load(running=1)))
    assert ids(registry) == set()


messages = st.one_of(
    st.builds(Put, st.sampled_from([A, B])),
    st.builds(Remove, st.sampled_from(["a", "b", "c"])),
    st.builds(ReportLoad, st.sampled_from(["a", "b", "c"]), st.builds(Load, running=st.integers(0, 9))),
    st.builds(
        Snapshot, st.sampled_from(["c1", "c2"]), st.lists(st.sampled_from([A, B]), unique_by=lambda r: r.id)
    ),
    st.just(Beat()),
)


@given(st.lists(messages, max_size=20), st.lists(st.sampled_from([A, B]), unique_by=lambda r: r.id))
def test_whatever_came_before_a_snapshot_is_the_whole_truth_after_the_grace(
    before: list[feed.ToGateway], truth: list[Replica]
) -> None:
    registry, follower = follow(*before, Snapshot("c3", truth))
    follower.apply(Beat(), now_s=5.0)
    assert ids(registry) == {replica.id for replica in truth}


@given(messages)
def test_every_message_survives_the_wire(message: feed.ToGateway) -> None:
    assert feed.decode_to_gateway(feed.encode(message)) == message
