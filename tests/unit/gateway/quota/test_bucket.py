from hypothesis import given
from hypothesis import strategies as st

from polychat.gateway.quota.bucket import WINDOW_S, empty_s, level_at, wait_s

STEPS = st.lists(st.tuples(st.floats(0, 30), st.integers(1, 5)), min_size=1, max_size=60)


@given(STEPS, st.integers(1, 40))
def test_in_no_window_more_passes_than_the_limit_and_its_drip(
    steps: list[tuple[float, int]], limit: int
) -> None:
    now_s, since_s, level = 0.0, 0.0, 0.0
    passed: list[tuple[float, int]] = []
    for gap_s, need in steps:
        now_s += gap_s
        level, since_s = level_at(level, since_s, now_s, limit), now_s
        if wait_s(level, need, limit) == 0:
            level += need
            passed.append((now_s, need))
    for first, (begins_s, _) in enumerate(passed):
        for last in range(first, len(passed)):
            window_s = passed[last][0] - begins_s
            assert (
                sum(need for _, need in passed[first : last + 1]) <= limit * (1 + window_s / WINDOW_S) + 0.01
            )


@given(st.floats(0, 100), st.integers(1, 40), st.integers(1, 40))
def test_after_the_wait_it_fits_and_not_before(level: float, need: int, limit: int) -> None:
    if need > limit:
        return
    wait = wait_s(level, need, limit)
    assert wait_s(level_at(level, 0.0, wait, limit), need, limit) == 0
    if wait > 0.1:
        assert wait_s(level_at(level, 0.0, wait - 0.1, limit), need, limit) > 0


@given(st.floats(0, 100), st.integers(1, 40))
def test_it_is_empty_when_it_says(level: float, limit: int) -> None:
    assert level_at(level, 0.0, empty_s(level, limit), limit) < 1e-6


def test_a_clock_that_went_back_drips_nothing() -> None:
    assert level_at(5.0, 100.0, 40.0, 10) == 5.0
