import pytest

from polychat.web.model_view import ModelMenu


@pytest.mark.parametrize("chosen", ["", "gone", "mini"])
def test_a_message_is_taken_although_the_page_has_an_older_list(chosen: str) -> None:
    assert ModelMenu(["mini"]).preprocess(chosen) == chosen
