from collections.abc import AsyncIterator
from dataclasses import replace

from polychat.controller import board as board_module
from polychat.controller.app import public
from polychat.controller.board import Board
from polychat.routing import feed
from polychat.routing.feed import Put, Remove, ReportLoad, Snapshot
from polychat.routing.replica import Outside, Replica, ReplicaState
from polychat.types import Endpoint, Load

A = Replica("a", "http://a:1", ("m",), "echo", frozenset({Endpoint.CHAT}), ReplicaState.READY, secret="s3")


async def read(watch: AsyncIterator[bytes]) -> feed.ToGateway:
    message: feed.ToGateway = feed.decode_to_gateway(await anext(watch))
    return message


async def test_a_watcher_gets_a_snapshot_and_then_each_change() -> None:
    board = Board()
    board.announce(A, owner="connection")
    watch = board.watch()
    assert await read(watch) == Snapshot(board.id, [A])
    board.report_load("a", Load(running=1), owner="connection")
    board.leave(owner="connection", why="it was killed")
    assert [await read(watch), await read(watch)] == [ReportLoad("a", Load(running=1)), Remove("a")]


async def test_a_worker_that_came_back_is_not_removed_when_its_old_connection_ends() -> None:
    board = Board()
    board.announce(A, owner="old")
    board.announce(A, owner="new")
    board.leave(owner="old", why="it fell silent")
    assert list(board.registry) == [A]


async def test_an_old_connection_cannot_report_for_a_worker_that_came_back() -> None:
    board = Board()
    board.announce(A, owner="old")
    board.announce(A, owner="new")
    board.report_load("a", Load(running=9), owner="old")
    assert list(board.registry) == [A]


async def test_a_new_worker_at_a_known_address_replaces_the_one_that_was_there() -> None:
    board = Board()
    watch = board.watch()
    await read(watch)
    board.announce(A, owner="first")
    board.announce(replace(A, id="b"), owner="second")
    assert [await read(watch) for _ in range(3)] == [Put(A), Remove("a"), Put(replace(A, id="b"))]


async def test_a_watcher_that_falls_too_far_behind_is_cut_off_and_costs_no_memory() -> None:
    board = Board()
    watch = board.watch()
    await read(watch)
    board.announce(A, owner="connection")
    for running in range(board_module.WATCHER_BACKLOG + 1):
        board.report_load("a", Load(running=running), owner="connection")
    assert [line async for line in watch] == []


async def test_a_quiet_watcher_hears_a_beat() -> None:
    watch = Board().watch()
    await read(watch)
    assert await read(watch) == feed.Beat()


async def test_closing_the_board_ends_every_watch() -> None:
    board = Board()
    watch = board.watch()
    await read(watch)
    board.close()
    assert [line async for line in watch] == []


def test_people_do_not_see_a_replicas_secret() -> None:
    assert "s3" not in str(public(A))
    assert public(A)["endpoints"] == ["/v1/chat/completions"]


ATTACHED = replace(A, outside=Outside())


def test_several_models_of_one_attached_server_stand_side_by_side() -> None:
    board = Board()
    other = replace(ATTACHED, id="b", names=("n",))
    board.announce(ATTACHED, owner="worker")
    board.announce(other, owner="worker")
    assert list(board.registry) == [ATTACHED, other]


def test_one_model_of_an_attached_server_is_the_newest_workers() -> None:
    board = Board()
    board.announce(ATTACHED, owner="first")
    board.announce(replace(ATTACHED, id="b"), owner="second")
    assert [replica.id for replica in board.registry] == ["b"]


def test_one_model_of_one_provider_may_be_had_with_two_keys() -> None:
    board = Board()
    board.announce(replace(A, outside=Outside(name="one")), owner="first")
    board.announce(replace(A, id="b", outside=Outside(name="two")), owner="second")
    assert len(board.registry) == 2


def test_with_a_connection_go_all_replicas_that_it_spoke_for() -> None:
    board = Board()
    board.announce(ATTACHED, owner="worker")
    board.announce(replace(ATTACHED, id="b", names=("n",)), owner="worker")
    board.leave(owner="worker", why="it was killed")
    assert list(board.registry) == []


def test_only_who_announced_a_replica_can_withdraw_it() -> None:
    board = Board()
    board.announce(A, owner="worker")
    board.withdraw("a", owner="stranger")
    assert list(board.registry) == [A]
    board.withdraw("a", owner="worker")
    assert list(board.registry) == []


def test_people_do_not_see_a_providers_headers() -> None:
    told = replace(A, outside=Outside("p", "P_KEY", headers=(("x-team", "hush"),)))
    assert "hush" not in str(public(told)) + repr(told)
    assert "P_KEY" in str(public(told))


async def test_a_silent_worker_is_told_as_such_and_is_as_before_once_it_speaks() -> None:
    board = Board()
    board.announce(A, owner="worker")
    watch = board.watch()
    await read(watch)
    board.silent(owner="worker", why="nothing for 1 s")
    board.heard(owner="worker")
    silent = replace(A, state=ReplicaState.SILENT, detail="nothing for 1 s")
    assert [await read(watch), await read(watch)] == [Put(silent), Put(A)]


async def test_what_a_silent_worker_announces_holds() -> None:
    board = Board()
    draining = replace(A, state=ReplicaState.DRAINING)
    board.announce(A, owner="worker")
    board.silent(owner="worker", why="nothing for 1 s")
    board.announce(draining, owner="worker")
    board.heard(owner="worker")
    assert list(board.registry) == [draining]
