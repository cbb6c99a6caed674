import pytest

from polychat.db.key_facts import KeyFacts, with_facts
from polychat.db.keys import new_key
from polychat.db.unclear import Unclear

KEY = new_key("ann", "pc-secret", now_s=100.0)


def test_what_is_not_named_stays_as_it_is() -> None:
    changed = with_facts(KEY, KeyFacts(models=("m",), tokens_per_day=5), now_s=100.0)
    again = with_facts(changed, KeyFacts(owner="lab"), now_s=100.0)
    assert (again.name, again.owner, again.models, again.tokens_per_day) == ("ann", "lab", ("m",), 5)


def test_a_key_may_be_given_back_for_ever() -> None:
    ending = with_facts(KEY, KeyFacts(expires_at=200.0), now_s=100.0)
    assert with_facts(ending, KeyFacts(expires_at=None), now_s=150.0).expires_at is None


def test_a_key_that_has_expired_can_still_be_renamed() -> None:
    ending = with_facts(KEY, KeyFacts(expires_at=200.0), now_s=100.0)
    assert with_facts(ending, KeyFacts(name="bob"), now_s=300.0).name == "bob"


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("name", KeyFacts(name="")),
        ("name", KeyFacts(name="a\nb")),
        ("name", KeyFacts(name="x" * 101)),
        ("owner", KeyFacts(owner="\x1b[31m")),
        ("role", KeyFacts(role="root")),
        ("priority", KeyFacts(priority="high")),
        ("models", KeyFacts(models=("",))),
        ("concurrent", KeyFacts(concurrent=-1)),
        ("gpu_s_per_day", KeyFacts(gpu_s_per_day=float("nan"))),
        ("expires_at", KeyFacts(expires_at=99.0)),
    ],
)
def test_what_cannot_be_is_named(name: str, facts: KeyFacts) -> None:
    with pytest.raises(Unclear) as caught:
        with_facts(KEY, facts, now_s=100.0)
    assert caught.value.name == name
