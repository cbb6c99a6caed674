"""Whose work an engine's time was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polychat.gateway.shares import Shares


def test_one_that_runs_alone_has_all_the_time() -> None:
    shares = Shares()
    begun_s = shares.begin("a", now_s=10.0)
    assert shares.end("a", begun_s, now_s=12.5) == 2.5


def test_those_that_run_at_once_share_evenly() -> None:
    shares = Shares()
    first_s = shares.begin("a", now_s=0.0)
    second_s = shares.begin("a", now_s=1.0)
    assert shares.end("a", first_s, now_s=3.0) == pytest.approx(2.0)
    assert shares.end("a", second_s, now_s=4.0) == pytest.approx(2.0)


def test_replicas_do_not_share() -> None:
    shares = Shares()
    first_s, second_s = shares.begin("a", now_s=0.0), shares.begin("b", now_s=0.0)
    assert shares.end("a", first_s, now_s=1.0) == shares.end("b", second_s, now_s=1.0) == 1.0


@given(
    st.lists(st.tuples(st.floats(0.0, 100.0), st.floats(0.001, 50.0)), min_size=1, max_size=30),
)
def test_the_shares_add_up_to_the_time_in_which_anything_ran(spans: list[tuple[float, float]]) -> None:
    ends_s = [(begin_s + took_s, 1, n) for n, (begin_s, took_s) in enumerate(spans)]
    events = sorted([(begin_s, 0, n) for n, (begin_s, _) in enumerate(spans)] + ends_s)
    shares, begun, total_s, busy_s, since_s = Shares(), dict[int, float](), 0.0, 0.0, 0.0
    for at_s, is_end, number in events:
        busy_s += at_s - since_s if begun else 0.0
        since_s = at_s
        if is_end:
            total_s += shares.end("a", begun.pop(number), now_s=at_s)
        else:
            begun[number] = shares.begin("a", now_s=at_s)
    assert total_s == pytest.approx(busy_s)
