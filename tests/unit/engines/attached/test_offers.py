"""Which models of a server are offered, and under which names."""

import pytest

from polychat.engines.attached.models import Model
from polychat.engines.attached.offers import Wish, offered, wish_of
from polychat.errors import SetupError

TWO = (Model("qwen/q-7b"), Model("meta/l-8b"))


def names(models: tuple[Model, ...], wish: Wish) -> list[tuple[str, ...]]:
    return [offer.names for offer in offered(models, wish)]


def test_each_model_has_its_full_id_and_its_last_segment() -> None:
    assert names(TWO, Wish()) == [("qwen/q-7b", "q-7b"), ("meta/l-8b", "l-8b")]


def test_a_short_name_that_two_models_share_is_neithers() -> None:
    assert names((Model("a/m"), Model("b/m")), Wish()) == [("a/m",), ("b/m",)]
    assert names((Model("a/m"), Model("m")), Wish()) == [("a/m",), ("m",)]


def test_patterns_choose() -> None:
    assert names(TWO, Wish(patterns=("qwen/*", "x/*"))) == [("qwen/q-7b", "q-7b")]


def test_a_model_may_have_any_names() -> None:
    assert names(TWO, Wish({"qwen/q-7b": ("fast", "team/fast-2")})) == [("fast", "team/fast-2", "fast-2")]


def test_a_model_that_is_wished_for_by_name_comes_and_goes_with_the_servers_list() -> None:
    wish = Wish({"qwen/q-7b": ("fast",)})
    assert names((), wish) == []
    assert names(TWO, wish) == [("fast",)]


def test_a_providers_model_is_there_whether_it_is_listed_or_not() -> None:
    (offer,) = offered((), Wish({"gpt": ("gpt",)}, is_sure=True))
    assert offer.model == Model("gpt")


def test_names_are_those_of_the_only_model() -> None:
    assert wish_of(["a", "b"], TWO[:1]).names == {"qwen/q-7b": ("a", "b")}


def test_among_several_models_a_name_chooses_one_or_says_which_it_is_for() -> None:
    wish = wish_of(["l-8b", "fast=qwen/q-7b"], TWO)
    assert wish.names == {"meta/l-8b": ("l-8b",), "qwen/q-7b": ("fast",)}


@pytest.mark.parametrize("word", ["other", "fast=other", "=qwen/q-7b"])
def test_a_name_for_no_model_is_told_with_the_models_there_are(word: str) -> None:
    with pytest.raises(SetupError, match="the server has qwen/q-7b, meta/l-8b: write NAME=ID"):
        wish_of([word], TWO)


def test_of_many_models_only_some_are_told() -> None:
    with pytest.raises(SetupError, match="and 92 more"):
        wish_of(["x"], [Model(f"m{number}") for number in range(100)])
