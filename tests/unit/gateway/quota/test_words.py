import pytest

from polychat.gateway.quota.words import TOKENS, headers, span


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0ms"),
        (0.0172, "18ms"),
        (1.0, "1s"),
        (1.5, "1.5s"),
        (59.9994, "1m0s"),
        (60.0, "1m0s"),
        (360.0, "6m0s"),
        (61.2, "1m2s"),
    ],
)
def test_a_time_is_written_as_openai_does(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_nothing_is_left_of_what_is_overrun() -> None:
    assert headers(TOKENS, 10, 25.0, 150.0) == [
        (b"x-ratelimit-limit-tokens", b"10"),
        (b"x-ratelimit-remaining-tokens", b"0"),
        (b"x-ratelimit-reset-tokens", b"2m30s"),
    ]
