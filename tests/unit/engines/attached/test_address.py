"""People give a server's address, or its API's; both are found."""

import pytest

from polychat.engines.attached.address import Place, origin_of, places
from polychat.errors import SetupError


@pytest.mark.parametrize(
    ("address", "first"),
    [
        ("http://h:8080", "http://h:8080/v1"),
        ("h:8080/", "http://h:8080/v1"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1"),
        ("https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1"),
        ("https://g.example/v1beta/openai", "https://g.example/v1beta/openai"),
        ("https://g.example/v4", "https://g.example/v4"),
        ("http://[::1]:80", "http://[::1]:80/v1"),
    ],
)
def test_the_likeliest_place_is_the_first(address: str, first: str) -> None:
    assert places(address, flag="--attach")[0].root == first


def test_where_the_version_stands_before_more_only_that_place_remains() -> None:
    assert places("https://openrouter.ai/api/v1", flag="") == (Place("https://openrouter.ai/api", "/v1"),)


def test_an_address_that_could_be_either_is_looked_at_both_ways() -> None:
    assert [place.root for place in places("http://h/llm", flag="")] == ["http://h/llm", "http://h/llm/v1"]
    assert [place.root for place in places("http://h", flag="")] == ["http://h/v1", "http://h"]


@pytest.mark.parametrize(
    "address", ["", "ht tp", "ftp://h", "http://", "http://h:99999", "http://h:x", "http://h:0"]
)
def test_what_is_no_address_is_told_with_the_flag(address: str) -> None:
    with pytest.raises(SetupError, match=r"--attach .* is no address"):
        places(address, flag="--attach")


@pytest.mark.parametrize("address", ["http://me:hush@h", "http://h/v1?key=hush", "http://h#hush"])
def test_secrets_in_an_address_are_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(SetupError, match="environment variable") as error:
        places(address, flag="--attach")
    assert "hush" not in str(error.value)


def test_the_origin_is_the_address_without_a_path() -> None:
    assert origin_of("https://openrouter.ai/api/v1") == "https://openrouter.ai"
