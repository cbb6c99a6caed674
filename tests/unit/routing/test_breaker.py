import math

from hypothesis import given
from hypothesis import strategies as st

from polychat.routing.breaker import FIRST_PAUSE_S, LONGEST_PAUSE_S, SLOW_PAUSE_S, Breakers


def test_a_replica_without_trouble_is_open() -> None:
    assert Breakers().opens_s("a") == -math.inf


def test_each_failure_sets_a_replica_aside_for_longer_up_to_a_limit() -> None:
    breakers, now_s, pauses = Breakers(), 0.0, []
    for _ in range(9):
        breakers.failed("a", began_s=now_s, now_s=now_s)
        pauses.append(breakers.opens_s("a") - now_s)
        now_s = breakers.opens_s("a")
    assert pauses[:3] == [FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S]
    assert pauses[-1] == LONGEST_PAUSE_S


def test_requests_that_fail_together_count_as_one() -> None:
    breakers = Breakers()
    for now_s in (10.0, 10.1, 10.2):
        breakers.failed("a", began_s=9.0, now_s=now_s)
    assert breakers.opens_s("a") == 10.0 + FIRST_PAUSE_S


def test_when_the_time_is_over_one_request_goes_to_see_and_the_others_wait_for_it() -> None:
    breakers = Breakers()
    breakers.failed("a", began_s=0, now_s=0)
    breakers.begin("a", now_s=FIRST_PAUSE_S)
    assert breakers.opens_s("a") > FIRST_PAUSE_S
    breakers.answered("a", now_s=1)
    assert breakers.opens_s("a") == -math.inf


def test_a_replica_much_slower_than_its_peers_is_outvoted_for_a_while() -> None:
    breakers = Breakers()
    for now_s in range(10):
        for fast in ("b", "c"):
            breakers.answered(fast, now_s=now_s, model="m", ttft_s=0.3)
        breakers.answered("a", now_s=now_s, model="m", ttft_s=3.0)
    assert breakers.opens_s("a") == 9 + SLOW_PAUSE_S
    assert breakers.opens_s("b") == -math.inf


def test_a_slow_model_is_no_slow_replica() -> None:
    breakers = Breakers()
    for now_s in range(10):
        breakers.answered("a", now_s=now_s, model="large", ttft_s=30.0)
        breakers.answered("b", now_s=now_s, model="small", ttft_s=0.1)
    assert breakers.opens_s("a") == -math.inf


@given(st.lists(st.tuples(st.sampled_from(["failed", "answered", "begin"]), st.floats(0, 50)), max_size=30))
def test_no_replica_is_set_aside_for_longer_than_the_limit_and_an_answer_frees_it(
    steps: list[tuple[str, float]],
) -> None:
    breakers, now_s = Breakers(), 0.0
    for step, wait_s in steps:
        now_s += wait_s
        match step:
            case "failed":
                breakers.failed("a", began_s=now_s, now_s=now_s)
            case "begin":
                breakers.begin("a", now_s=now_s)
            case _:
                breakers.answered("a", now_s=now_s)
                assert breakers.opens_s("a") == -math.inf
        assert breakers.opens_s("a") <= now_s + LONGEST_PAUSE_S
