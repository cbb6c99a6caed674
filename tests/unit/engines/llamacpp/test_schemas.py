"""Patterns as llama.cpp's grammars read them."""

import re

import pytest

from polychat.engines.llamacpp.schemas import MAX_OPTIONAL, compilable, pattern
from polychat.errors import RequestError

IN_STRINGS = r"[^\"\\\x00-\x1F]".replace('\\"', '"')


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (r"^\d{3}$", "^[0-9]{3}$"),
        ("b+", "^b+$"),
        ("^a|b$", "^(?:a|b)$"),
        (r"^[\w-]*?x$", "^[A-Za-z0-9_-]*x$"),
        ("^.$", f"^{IN_STRINGS}$"),
        ("^[^x]$", f"^{IN_STRINGS[:-1]}x]$"),
        (r"^a\.b$", r"^a\.b$"),
    ],
)
def test_a_pattern_is_told_in_the_words_that_llamacpp_knows(asked: str, told: str) -> None:
    assert pattern(asked, "tools") == told


@pytest.mark.parametrize("text", ["abc", "a.c", "x", "aaa", "a c"])
@pytest.mark.parametrize("asked", ["a.c", "^a+", r"\S+$", "^(?:abc|x)$", r"^\w \w$"])
def test_what_the_told_pattern_matches_the_asked_one_matches_too(asked: str, text: str) -> None:
    if re.search(pattern(asked, "tools"), text):
        assert re.search(asked, text)


@pytest.mark.parametrize("asked", ["^(?!a)b$", r"^\bx$", r"^(a)\1$", r"^\p{L}$", "^((a{1,50}){1,50}){1,50}$"])
def test_a_pattern_beyond_its_grammars_is_refused(asked: str) -> None:
    with pytest.raises(RequestError) as caught:
        compilable({"properties": {"a": {"pattern": asked}}}, "response_format")
    assert caught.value.param == "response_format"


def test_what_only_looks_like_a_pattern_stays() -> None:
    schema = {"properties": {"pattern": {"const": {"pattern": "(?="}}}, "enum": [{"pattern": r"\b"}]}
    assert compilable(schema, "tools") == schema


def test_too_many_optional_properties_are_refused() -> None:
    properties: dict[str, object] = {f"p{i}": {} for i in range(MAX_OPTIONAL + 1)}
    with pytest.raises(RequestError, match="not required"):
        compilable({"items": {"properties": properties}}, "tools")
    assert compilable({"properties": properties, "required": list(properties)}, "tools")
