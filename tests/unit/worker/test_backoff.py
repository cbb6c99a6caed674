from polychat.worker.backoff import delay_s, failures_after


def test_waits_double_up_to_half_a_minute() -> None:
    assert [delay_s(failures) for failures in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]
    assert delay_s(10_000) == 30


def test_an_engine_that_lived_long_starts_from_the_beginning() -> None:
    assert failures_after(5, lived_s=61.0) == 1
    assert failures_after(5, lived_s=0.1) == 6
