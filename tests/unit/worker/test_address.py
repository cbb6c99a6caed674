import pytest

from polychat.errors import SetupError
from polychat.worker.address import advertised, host_of

ENGINE = "http://127.0.0.1:21005"


def test_on_one_machine_the_engines_own_url_is_told() -> None:
    assert advertised(ENGINE, host="127.0.0.1", controller="http://localhost:21001", asked="") == ENGINE


@pytest.mark.parametrize("asked", ["10.0.0.4:9", "http://10.0.0.4:9"])
def test_an_address_asked_for_is_told_as_it_is(asked: str) -> None:
    assert (
        advertised(ENGINE, host="0.0.0.0", controller="http://10.0.0.1:1", asked=asked) == "http://10.0.0.4:9"
    )


def test_an_engine_nobody_elsewhere_can_reach_is_refused() -> None:
    with pytest.raises(SetupError, match=r"add --host 0\.0\.0\.0"):
        advertised(ENGINE, host="127.0.0.1", controller="http://10.0.0.1:21001", asked="")


def test_an_engine_on_every_address_is_told_by_the_one_towards_the_controller() -> None:
    url = advertised(ENGINE, host="0.0.0.0", controller="http://127.0.0.1:21001", asked="")
    assert url == "http://127.0.0.1:21005"


def test_an_address_of_this_machine_is_told_as_it_is() -> None:
    url = "http://10.0.0.4:21002"
    assert advertised(url, host="10.0.0.4", controller="http://10.0.0.1:21001", asked="") == url


@pytest.mark.parametrize("wrong", ["10.0.0.1:21001", "ftp://x", "http://", "http://x:port", ""])
def test_what_is_no_controllers_address_is_shown_one(wrong: str) -> None:
    with pytest.raises(SetupError, match=r"it looks like http://10\.0\.0\.1:21001"):
        host_of(wrong)
