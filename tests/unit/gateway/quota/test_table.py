"""Counts that processes share: here two tables in one process, and processes that are killed."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polychat.errors import RateLimited
from polychat.gateway.quota import Hold, Quota, table
from polychat.gateway.quota.row import MAX_PROCESSES, Spent
from polychat.gateway.quota.table import Table
from tests.unit.gateway.quota.conftest import NOON_S, Clock, Desk, caller, record

DIES = """
import os, signal, sys
from pathlib import Path
from polychat.gateway.quota.table import Table
table = Table.shared(Path(sys.argv[1]))
with table.lock:
    table.row("key_ann").hold(running=3, tokens=70)
print("holds", flush=True)
sys.stdin.readline()
"""

HAMMERS = """
import sys
from pathlib import Path
from polychat.errors import RateLimited
from polychat.gateway.quota import Quota
from tests.unit.gateway.quota.conftest import caller, view
quota = Quota(Path(sys.argv[1]), clock_s=lambda: 1000.0)
ann, asked = caller(requests_per_minute=500, concurrent=1000), view()
quota.headers(ann)
print("ready", flush=True)
sys.stdin.readline()
passed = 0
for _ in range(2000):
    try:
        quota.reserve(ann, asked, size_bytes=40)
        passed += 1
    except RateLimited:
        pass
print(passed, flush=True)
"""


def desk_in(folder: Path | None, clock: Clock) -> Desk:
    wall = Clock(NOON_S)
    return Desk(Quota(folder, clock_s=clock, wall_s=wall), clock, wall)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Table, Table]]:
    tables = Table.shared(tmp_path / "counts"), Table.shared(tmp_path / "counts")
    yield tables
    for each in tables:
        each.close()


def test_what_runs_is_summed_over_processes(pair: tuple[Table, Table]) -> None:
    for each, num in zip(pair, (1, 2), strict=True):
        each.row("key_ann").hold(running=num, tokens=num * 10)
    assert [each.row("key_ann").running for each in pair] == [3, 3]
    assert [each.row("key_ann").held for each in pair] == [30, 30]


def test_a_process_that_ends_takes_what_ran_in_it_along(pair: tuple[Table, Table], tmp_path: Path) -> None:
    one, other = pair
    third = Table.shared(tmp_path / "counts")
    for each in (one, third):
        each.row("key_ann").hold(running=1, tokens=5)
    third.close()
    assert other.row("key_ann").running == 1


def test_a_killed_process_gives_back_what_ran_in_it(pair: tuple[Table, Table], tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", DIES, tmp_path / "counts"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "holds\n"
        one, _ = pair
        assert one.row("key_ann").running == 3
        assert one.give_back() == 0, "it lives"
        assert one.row("key_ann").running == 3
        process.kill()
        process.wait()
    assert one.give_back() == 1
    assert (one.row("key_ann").running, one.row("key_ann").held) == (0, 0)


def test_processes_that_ask_at_once_get_as_much_as_one(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HAMMERS, str(tmp_path / "counts")]
    with ExitStack() as stack:
        pipes = subprocess.PIPE
        processes = [
            stack.enter_context(subprocess.Popen(command, stdin=pipes, stdout=pipes, text=True))
            for _ in range(3)
        ]
        for step in ("ready\n", ""):
            said = [process.stdout.readline() for process in processes if process.stdout]
            for process in processes if step else ():
                assert process.stdin is not None
                print(file=process.stdin, flush=True)
    assert sum(map(int, said)) == 500


def test_rows_that_another_process_has_made_are_found(pair: tuple[Table, Table]) -> None:
    one, other = pair
    for key_id in ("key_a", "key_b", "key_c"):
        one.row(key_id).spend(1, 1, Spent(7, 0.5))
    assert other.row("key_b").spent(1, 2) == (7, 0.5, 0, 0)
    assert other.row("key_d").spent(1, 1) == (0, 0, 0, 0)
    assert one.row("key_d").spent(1, 1) == (0, 0, 0, 0)


def test_counts_outlive_the_processes(tmp_path: Path) -> None:
    for tokens in (7, 14):
        each = Table.shared(tmp_path)
        each.row("key_ann").spend(1, 1, Spent(7, 0.0))
        assert each.row("key_ann").spent(1, 1)[0] == tokens
        each.close()


def test_a_table_full_of_keys_begins_anew_when_nobody_uses_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "MAX_KEYS", 4)
    first = Table.shared(tmp_path)
    for number in range(6):
        first.row(f"key_{number}").spend(1, 1, Spent(7, 0.0))
    assert first.row("key_5").spent(1, 1)[0] == 7, "counted alone"
    first.close()
    second = Table.shared(tmp_path)
    assert second.row("key_0").spent(1, 1)[0] == 0
    second.close()


def test_no_more_processes_than_there_is_room_for(tmp_path: Path) -> None:
    tables = [Table.shared(tmp_path) for _ in range(MAX_PROCESSES)]
    with pytest.raises(OSError, match="processes use"):
        Table.shared(tmp_path)
    for each in tables:
        each.close()


def test_one_that_stays_inside_the_lock_stops_nobody(pair: tuple[Table, Table]) -> None:
    one, other = pair
    with one.lock, other.lock:
        assert other.row("key_ann").running == 0


def test_only_its_owner_may_look(tmp_path: Path) -> None:
    Table.shared(tmp_path / "counts").close()
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "counts").iterdir())


def test_where_nothing_can_be_shared_limits_hold_in_one_process(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no folder")
    desk = desk_in(tmp_path / "file", Clock())
    desk.pass_through(caller(requests_per_minute=1))
    with pytest.raises(RateLimited):
        desk.reserve(caller(requests_per_minute=1))
    assert "for this gateway alone" in caplog.text


STEPS = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from(["begin", "end"]), st.floats(0, 5)), max_size=80
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS, st.integers(1, 8), st.integers(1, 4))
def test_two_gateways_let_no_more_through_than_one_and_in_the_end_nothing_is_held(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, str, float]], rpm: int, concurrent: int
) -> None:
    clock, ann = Clock(), caller(requests_per_minute=rpm, concurrent=concurrent, tokens_per_day=10**6)
    folder = tmp_path_factory.mktemp("counts")
    desks = [desk_in(folder, clock) for _ in range(2)]
    running: list[list[Hold | None]] = [[], []]
    begun_s = clock.now_s
    passed = 0
    for place, step, gap_s in steps:
        clock.now_s += gap_s
        if step == "begin":
            try:
                running[place].append(desks[place].reserve(ann))
                passed += 1
            except RateLimited:
                assert sum(map(len, running)) == concurrent or passed >= 1
            assert sum(map(len, running)) <= concurrent
        elif running[place]:
            desks[place].quota.settle(running[place].pop(), record(ann, tokens=11))
    assert passed <= rpm * (1 + (clock.now_s - begun_s) / 60) + 0.01
    for desk, holds in zip(desks, running, strict=True):
        for hold in holds:
            desk.quota.settle(hold, record(ann, tokens=11))
    row = Table.shared(folder).row("key_ann")
    assert (row.running, row.held) == (0, 0)
    assert row.spent(desks[0].quota.calendar.today()[0].day, 0)[0] == passed * 11
    for desk in desks:
        desk.quota.close()
