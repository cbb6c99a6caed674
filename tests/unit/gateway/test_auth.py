from dataclasses import replace

import pytest

from polychat.db.key_secrets import hash_of
from polychat.db.keys import StoredKey, revoked, rotated
from polychat.errors import DatabaseUnavailable, Unauthorized
from polychat.gateway.auth import Given, Keys
from polychat.gateway.caller import NOBODY, Allowance, Priority, Role

ANN = StoredKey("key_ann", "ann", hash=hash_of("pc-ann"), prefix="pc-ann", expires_at=100.0)


def with_users(*users: str) -> Keys:
    return Keys(Given(users=users))


class Clock:
    now_s = 50.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(clock: Clock) -> Keys:
    """Of a gateway that has read one key in its database."""
    keys = Keys(waits_for_stored=True, wall_s=clock)
    keys.learn([ANN], is_all=True)
    return keys


def test_without_keys_everybody_may_come_in() -> None:
    Keys().check(b"")
    Keys().check(b"Bearer whatever")


@pytest.mark.parametrize("authorization", [b"Bearer a", b"Bearer b", b"bearer b", b"  Bearer   b  "])
def test_each_key_opens(authorization: bytes) -> None:
    with_users("a", "b").check(authorization)


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
        with_users("a", "b").check(authorization)


def test_the_message_never_holds_the_key_that_was_sent() -> None:
    with pytest.raises(Unauthorized) as caught:
        with_users("a").check(b"Bearer hunter2")
    assert "hunter2" not in str(caught.value)


def test_whoever_shows_the_same_key_is_the_same_caller_in_either_header() -> None:
    keys = with_users("k1", "k2")
    assert keys.check(b"Bearer k1") == keys.check(b"", b"k1") != keys.check(b"Bearer k2")
    assert "k1" not in keys.check(b"Bearer k1").account


def test_without_keys_everybody_is_nobody_in_particular() -> None:
    assert Keys().check(b"Bearer anything") == Keys().check(b"") == NOBODY


def test_where_keys_are_required_nobody_comes_in_without_even_if_there_is_none() -> None:
    with pytest.raises(Unauthorized):
        Keys(required=True).check(b"Bearer anything")


def test_without_auth_everybody_comes_in_and_a_key_still_says_who_asks() -> None:
    keys = Keys(Given(users=("k1",), admin="root"), required=False)
    assert keys.check(b"Bearer wrong") == keys.check(b"") == NOBODY
    assert keys.check(b"Bearer root").role is Role.ADMIN


def test_the_admins_key_closes_the_api_as_any_key() -> None:
    keys = Keys(Given(admin="root"))
    assert keys.check(b"Bearer root").role is Role.ADMIN
    with pytest.raises(Unauthorized):
        keys.check(b"")


def test_the_internal_key_closes_nothing() -> None:
    keys = Keys(Given(internal="page"))
    assert keys.check(b"Bearer page").key_id == "internal"
    assert keys.check(b"") == NOBODY


def test_a_stored_key_opens_with_all_that_it_allows(keys: Keys) -> None:
    limited = replace(
        ANN, role="admin", priority="batch", models=("m", "n"), requests_per_minute=10, gpu_s_per_day=1.5
    )
    keys.learn([limited], is_all=False)
    caller = keys.check(b"Bearer pc-ann")
    assert (caller.key_id, caller.name, caller.account) == ("key_ann", "ann", "key_ann")
    assert (caller.role, caller.priority) == (Role.ADMIN, Priority.BATCH)
    assert caller.models == {"m", "n"}
    assert caller.allowance == Allowance(requests_per_minute=10, gpu_s_per_day=1.5)


def test_a_key_that_has_expired_is_told_so(keys: Keys, clock: Clock) -> None:
    clock.now_s = 100.0
    with pytest.raises(Unauthorized, match="expired on 1970-01-01 00:01 UTC"):
        keys.check(b"Bearer pc-ann")


def test_a_revoked_key_opens_no_more_even_if_it_was_the_last(keys: Keys) -> None:
    keys.learn([revoked(ANN, now_s=60.0)], is_all=False)
    with pytest.raises(Unauthorized, match="Incorrect API key"):
        keys.check(b"Bearer pc-ann")


def test_after_a_rotation_the_old_secret_opens_for_the_grace_only(keys: Keys, clock: Clock) -> None:
    keys.learn([rotated(ANN, "pc-new", old_until=60.0)], is_all=False)
    assert keys.check(b"Bearer pc-ann") == keys.check(b"Bearer pc-new")
    clock.now_s = 60.0
    keys.check(b"Bearer pc-new")
    with pytest.raises(Unauthorized, match="Incorrect API key"):
        keys.check(b"Bearer pc-ann")


def test_no_grace_outlives_the_key(keys: Keys, clock: Clock) -> None:
    keys.learn([rotated(ANN, "pc-new", old_until=900.0)], is_all=False)
    clock.now_s = 100.0
    with pytest.raises(Unauthorized):
        keys.check(b"Bearer pc-ann")


def test_a_stored_key_takes_nothing_from_those_that_were_given() -> None:
    keys = Keys(Given(users=("pc-ann",)))
    keys.learn([ANN], is_all=True)
    keys.learn([revoked(ANN, now_s=1.0)], is_all=False)
    assert keys.check(b"Bearer pc-ann").key_id != "key_ann"


def test_until_the_database_has_told_its_keys_any_may_be_one_of_them() -> None:
    keys = Keys(Given(users=("k1",)), waits_for_stored=True)
    keys.check(b"Bearer k1")
    with pytest.raises(DatabaseUnavailable):
        keys.check(b"Bearer pc-ann")


def test_a_database_without_keys_leaves_the_api_open() -> None:
    keys = Keys(waits_for_stored=True)
    keys.learn([], is_all=True)
    assert keys.check(b"Bearer anything") == NOBODY
