"""The rows of `polychat status`, and tokens per second from a counter."""

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from polychat.cli.status_view import Rates, Source, row_of, table
from polychat.errors import SetupError
from polychat.routing.hits import Hits
from polychat.routing.replica import Replica, ReplicaState
from polychat.types import Load
from tests.support.processes import free_port

REPLICA = Replica("r1", "http://127.0.0.1:21002", ("mini",), "echo", frozenset(), ReplicaState.READY)


def with_total(tokens: int) -> Replica:
    return replace(REPLICA, load=Load(output_tokens_total=tokens))


def test_a_rate_is_the_slope_of_the_counter() -> None:
    rates = Rates()
    rates.update(with_total(100), now_s=0.0)
    assert rates.update(with_total(160), now_s=2.0) == 30


def test_there_is_no_rate_at_first_sight() -> None:
    assert Rates().update(with_total(100), now_s=0.0) is None


def test_looking_again_too_soon_keeps_the_rate() -> None:
    rates = Rates()
    rates.update(with_total(0), now_s=0.0)
    rates.update(with_total(50), now_s=1.0)
    assert rates.update(with_total(50), now_s=1.1) == 50


def test_an_engine_that_starts_again_has_no_negative_rate() -> None:
    rates = Rates()
    rates.update(with_total(1000), now_s=0.0)
    assert rates.update(with_total(5), now_s=1.0) is None
    assert rates.update(with_total(15), now_s=2.0) == 10


def test_a_row_is_shown_with_load_state_and_why_it_is_not_ready() -> None:
    busy = replace(
        REPLICA,
        state=ReplicaState.STARTING,
        detail="loading",
        load=Load(3, 2, 0.25, slots=4),
        context_length=2048,
    )
    screen = StringIO()
    Console(file=screen, width=140).print(table([row_of(busy, 12.4, Hits(200, 120))]))
    shown = " ".join(screen.getvalue().splitlines()[1].split())
    assert shown == "mini http://127.0.0.1:21002 echo starting (loading) 3/4 2 25% 60% 12 2048"


def test_a_ready_row_shows_how_long_its_start_took() -> None:
    screen = StringIO()
    Console(file=screen, width=140).print(table([row_of(replace(REPLICA, startup="loading 12 s"), None)]))
    assert "ready (loading 12 s)" in screen.getvalue()


def test_a_controller_that_is_not_there_is_one_line() -> None:
    with pytest.raises(SetupError, match="no controller answers"):
        Source(f"http://127.0.0.1:{free_port()}", "").rows()
