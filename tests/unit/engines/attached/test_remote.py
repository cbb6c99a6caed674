"""`[[remote]]`: a provider in the settings file."""

from typing import Any

import pytest

from polychat.engines.attached.remote import Remote, remotes
from polychat.errors import SetupError

TABLE = {"name": "acme", "base_url": "https://api.acme.example/v1"}


def remote(**fields: Any) -> Remote:
    return remotes([{**TABLE, **fields}], place="polychat.toml")["acme"]


def test_a_list_of_models_keeps_their_names() -> None:
    assert remote(models=["a/b", "c"]).wish.names == {"a/b": ("a/b",), "c": ("c",)}


def test_a_map_gives_them_names_of_ours() -> None:
    wish = remote(models={"fast": "vendor/f-1", "quick": "vendor/f-1"}).wish
    assert (wish.names, wish.is_sure) == ({"vendor/f-1": ("fast", "quick")}, True)


@pytest.mark.parametrize("pattern", ["qwen/*", ["qwen/*"]])
def test_without_models_all_are_offered_that_the_filter_lets_through(pattern: str | list[str]) -> None:
    assert remote().wish.patterns == ()
    assert remote(filter=pattern).wish.patterns == ("qwen/*",)


def test_keys_and_headers_come_from_the_environment_and_are_in_no_repr() -> None:
    provider = remote(key_env="ACME_KEY", headers_env={"x-team": "TEAM"})
    access = provider.access({"ACME_KEY": " sk-hush ", "TEAM": "blue"})
    assert (access.key, access.headers) == ("sk-hush", (("x-team", "blue"),))
    assert "hush" not in repr((provider, access))
    assert "blue" not in repr((provider, access))


@pytest.mark.parametrize("value", [None, "", "two\nlines"])
def test_a_key_that_is_not_set_is_told_by_its_variable(value: str | None) -> None:
    environment = {} if value is None else {"ACME_KEY": value}
    with pytest.raises(SetupError, match=r"\[\[remote\]\] acme: .*ACME_KEY"):
        remote(key_env="ACME_KEY").access(environment)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"key": "sk"}, "has no 'key'; did you mean 'key_env'"),
        ({"base_url": "ftp://acme"}, "base_url 'ftp://acme' is no address"),
        ({"name": "a b"}, "must be letters"),
        ({"models": []}, "models names none"),
        ({"models": 3}, "Expected"),
        ({"models": ["a"], "filter": "b"}, "leave it or models out"),
        ({"limits": {"max_concurrent": "3"}}, "Expected `int`, got `str`"),
        ({"limits": {"max_concurrent": -1}}, "cannot be negative"),
        ({"limits": {"rpm": 1}}, "unknown field `rpm`"),
        ({"headers_env": {"Authorization": "X"}}, "cannot set the header 'Authorization'"),
        ({"headers_env": {"a\r\nb": "X"}}, "cannot set the header"),
    ],
)
def test_a_wrong_table_is_told_with_its_place(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(SetupError, match=r"polychat.toml: \[\[remote\]\] .*") as error:
        remote(**fields)
    assert told in str(error.value)


def test_two_providers_of_one_name_are_refused() -> None:
    with pytest.raises(SetupError, match=r"two .* called 'acme'"):
        remotes([TABLE, TABLE], place="polychat.toml")


def test_a_provider_needs_a_name_and_an_address() -> None:
    with pytest.raises(SetupError, match="missing required field `base_url`"):
        remotes([{"name": "x"}], place="polychat.toml")
