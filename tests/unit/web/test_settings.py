import pytest

from polychat.client import ApiError
from polychat.web.settings import number


@pytest.mark.parametrize("nothing", ["", "  ", None])
def test_an_empty_field_is_not_sent(nothing: str | None) -> None:
    assert number("Temperature", nothing) is None


@pytest.mark.parametrize(("typed", "sent"), [("0", 0.0), (" 0.7 ", 0.7), ("0,7", 0.7)])
def test_a_number_is_sent_as_it_was_typed(typed: str, sent: float) -> None:
    assert number("Temperature", typed) == sent


def test_what_is_no_number_names_its_field() -> None:
    with pytest.raises(ApiError, match="Top-p must be a number or empty, not 'high'"):
        number("Top-p", "high")
