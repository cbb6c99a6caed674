"""How long those that wait will wait."""

import pytest

from polychat.gateway.drain import LONGEST_RETRY_S, Drain


def after(*ends_s: float, took_s: float = 1.0, first_s: float = 0.2, others_wait: bool = True) -> Drain:
    drain = Drain()
    for now_s in ends_s:
        drain.finished(now_s=now_s, took_s=took_s, first_s=first_s, is_stream=True, others_wait=others_wait)
    return drain


def test_nothing_is_foretold_before_anything_has_ended() -> None:
    assert Drain().wait_s(10, num_running=4, now_s=0.0) is None
    assert Drain().first_byte_s(is_stream=True) == 0.0


def test_a_queue_moves_as_fast_as_requests_end() -> None:
    drain = after(*[n * 0.5 for n in range(20)])
    assert drain.wait_s(9, num_running=4, now_s=9.5) == pytest.approx(5.0, rel=0.05)


def test_requests_that_end_while_nobody_waits_say_only_how_long_they_take() -> None:
    drain = after(*[n * 60.0 for n in range(20)], took_s=2.0, others_wait=False)
    assert drain.wait_s(3, num_running=4, now_s=1141.0) == pytest.approx(2.0)


def test_a_model_that_stands_still_is_expected_to_take_longer() -> None:
    drain = after(*[n * 0.5 for n in range(20)])
    soon_s, late_s = (drain.wait_s(0, num_running=4, now_s=at_s) for at_s in (9.6, 60.0))
    assert soon_s is not None
    assert late_s is not None
    assert late_s > 2 * soon_s


def test_what_was_long_ago_counts_less() -> None:
    ends_s = [n * 1.0 for n in range(30)]
    ends_s += [30 + n * 0.1 for n in range(400)]
    assert after(*ends_s).wait_s(9, num_running=1, now_s=ends_s[-1]) == pytest.approx(1.0, rel=0.2)


def test_the_first_byte_is_expected_later_the_more_it_varies() -> None:
    steady, wild = Drain(), Drain()
    for n in range(100):
        for drain, first_s in ((steady, 0.3), (wild, 0.1 + 0.4 * (n % 2))):
            drain.finished(now_s=n, took_s=1.0, first_s=first_s, is_stream=True, others_wait=False)
    assert steady.first_byte_s(is_stream=True) == pytest.approx(0.3, rel=0.01)
    assert wild.first_byte_s(is_stream=True) > 0.5


def test_clients_are_told_to_come_back_when_those_that_wait_have_gone_and_not_all_at_once() -> None:
    drain = after(*[n * 0.5 for n in range(20)])
    told_s = {
        drain.retry_after_s(19, num_running=4, now_s=9.5, chance=chance) for chance in (0.0, 0.5, 0.999)
    }
    assert min(told_s) in (10, 11)
    assert max(told_s) in (15, 16)


@pytest.mark.parametrize(("num_waiting", "told_s"), [(0, 1), (1_000_000, LONGEST_RETRY_S)])
def test_that_time_has_bounds(num_waiting: int, told_s: int) -> None:
    drain = after(*[n * 0.01 for n in range(50)])
    assert drain.retry_after_s(num_waiting, num_running=4, now_s=0.5, chance=0.0) == told_s
