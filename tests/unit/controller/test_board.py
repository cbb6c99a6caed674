from collections.abc import AsyncIterator
from dataclasses import replace

from polychat.controller import board as board_module
from polychat.controller.app import public
from polychat.controller.board import Board
from polychat.routing import feed
from polychat.routing.feed import Put, Remove, ReportLoad, Snapshot
from polychat.routing.replica import Replica, ReplicaState
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
    board.leave("a", owner="connection", why="it was killed")
    assert [await read(watch), await read(watch)] == [ReportLoad("a", Load(running=1)), Remove("a")]


async def test_a_worker_that_came_back_is_not_removed_when_its_old_connection_ends() -> None:
    board = Board()
    board.announce(A, owner="old")
    board.announce(A, owner="new")
    board.leave("a", owner="old", why="it fell silent")
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
