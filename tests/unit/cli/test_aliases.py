import pytest

from polychat.cli import aliases
from polychat.errors import SetupError


def test_pairs_become_a_map() -> None:
    assert aliases.parse(["gpt-4o=org/qwen", "a = b"]) == {"gpt-4o": "org/qwen", "a": "b"}


def test_a_model_may_have_an_equals_sign() -> None:
    assert aliases.parse(["a=b=c"]) == {"a": "b=c"}


@pytest.mark.parametrize(
    ("pairs", "complaint"),
    [
        (["a"], "--alias 'a' has not the form NAME=MODEL"),
        (["=b"], "has not the form"),
        (["a="], "has not the form"),
        (["a=b", "a=c"], "--alias gives 'a' twice"),
        (["a=b", "b=c"], "--alias a=b: b is an alias itself; name the model"),
        (["a=a"], "a is an alias itself"),
    ],
)
def test_what_means_no_model_is_refused(pairs: list[str], complaint: str) -> None:
    with pytest.raises(SetupError, match=complaint):
        aliases.parse(pairs)
