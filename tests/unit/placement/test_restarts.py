"""When a role that ended starts again."""

from itertools import pairwise

from polychat.placement.restarts import LONGEST_DELAY_S, STEADY_S, after_exit, how_it_ended


def test_a_first_failure_is_made_good_almost_at_once() -> None:
    assert after_exit(failures=0, ran_s=1.0).delay_s <= 0.2


def test_the_pause_doubles_with_each_failure_in_a_row() -> None:
    delays = [after_exit(failures=failures, ran_s=1.0).delay_s for failures in range(5)]
    assert [later / earlier for earlier, later in pairwise(delays)] == [2, 2, 2, 2]


def test_the_pause_has_a_limit() -> None:
    assert after_exit(failures=10_000, ran_s=1.0).delay_s == LONGEST_DELAY_S


def test_a_role_that_ran_for_a_while_is_forgiven() -> None:
    restart = after_exit(failures=9, ran_s=STEADY_S)
    assert restart == after_exit(failures=0, ran_s=1.0)


def test_failures_in_a_row_are_counted() -> None:
    assert after_exit(failures=2, ran_s=STEADY_S - 1).failures == 3


def test_an_end_is_told_as_people_say_it() -> None:
    assert how_it_ended(1) == "ended with status 1"
    assert how_it_ended(-9) == "was killed by SIGKILL"
    assert how_it_ended(-99) == "was killed by signal 99"
