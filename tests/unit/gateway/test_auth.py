import pytest

from polychat.errors import Unauthorized
from polychat.gateway.auth import Keys
from polychat.gateway.caller import NOBODY


def test_without_keys_everybody_may_come_in() -> None:
    Keys().check(b"")
    Keys().check(b"Bearer whatever")


@pytest.mark.parametrize("authorization", [b"Bearer a", b"Bearer b", b"bearer b", b"  Bearer   b  "])
def test_each_key_opens(authorization: bytes) -> None:
    Keys(["a", "b"]).check(authorization)


@pytest.mark.parametrize(
    "authorization",
    [
        b"",
        b"Bearer",
        b"Bearer ",
        b"Bearer c",
        b"Bearer ab",
        b"Bearer a,b",
        b"Basic a",
        b"a",
        b"Bearer \xff\x00",
    ],
)
def test_nothing_else_does(authorization: bytes) -> None:
    with pytest.raises(Unauthorized):
        Keys(["a", "b"]).check(authorization)


def test_the_message_never_holds_the_key_that_was_sent() -> None:
    with pytest.raises(Unauthorized) as caught:
        Keys(["a"]).check(b"Bearer hunter2")
    assert "hunter2" not in str(caught.value)


def test_whoever_shows_the_same_key_is_the_same_caller_in_either_header() -> None:
    keys = Keys(("k1", "k2"))
    assert keys.check(b"Bearer k1") == keys.check(b"", b"k1") != keys.check(b"Bearer k2")
    assert "k1" not in keys.check(b"Bearer k1").account


def test_without_keys_everybody_is_nobody_in_particular() -> None:
    assert Keys().check(b"Bearer anything") == Keys().check(b"") == NOBODY
