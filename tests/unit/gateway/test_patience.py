"""What headers say of a request's hurry."""

import pytest

from polychat.gateway.caller import Priority
from polychat.gateway.patience import read

INTERACTIVE, BATCH = Priority.INTERACTIVE, Priority.BATCH


def deadline_s(*headers: tuple[bytes, bytes]) -> float | None:
    return read(dict(headers), own=INTERACTIVE, now_s=100.0)[0]


def priority(*headers: tuple[bytes, bytes], own: Priority = INTERACTIVE) -> Priority:
    return read(dict(headers), own=own, now_s=100.0)[1]


@pytest.mark.parametrize("name", [b"x-request-timeout", b"x-stainless-read-timeout", b"x-stainless-timeout"])
def test_a_clients_timeout_less_the_way_there_and_back_is_its_deadline(name: bytes) -> None:
    assert deadline_s((b"host", b"x"), (name, b"2.5")) == pytest.approx(102.25)


def test_the_shortest_of_several_timeouts_counts() -> None:
    assert deadline_s((b"x-stainless-timeout", b"600"), (b"x-request-timeout", b"3")) == pytest.approx(102.7)


@pytest.mark.parametrize("value", [b"", b"0", b"-1", b"nan", b"inf", b"NotGiven", b"1e999", b"\xff"])
def test_what_is_no_time_to_wait_is_left_aside(value: bytes) -> None:
    assert deadline_s((b"x-request-timeout", value)) is None


def test_a_request_may_lower_its_priority() -> None:
    assert priority((b"x-polychat-priority", b" Batch")) is BATCH


@pytest.mark.parametrize("value", [b"interactive", b"urgent", b""])
def test_a_request_may_not_raise_its_priority(value: bytes) -> None:
    assert priority((b"x-polychat-priority", value), own=BATCH) is BATCH
