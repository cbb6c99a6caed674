import json

import pytest

from polychat.errors import RequestError
from polychat.gateway.routes.score import parse_score
from polychat.schema.score import ScoreRequest, plain


def body(**fields: object) -> bytes:
    return json.dumps({"model": "m"} | fields).encode()


def score(**fields: object) -> ScoreRequest:
    return parse_score(body(**fields))


@pytest.mark.parametrize(
    ("first", "second", "pairs"),
    [
        ("a", "x", [("a", "x")]),
        ("a", ["x", "y"], [("a", "x"), ("a", "y")]),
        (["a"], ["x", "y"], [("a", "x"), ("a", "y")]),
        (["a", "b"], ["x", "y"], [("a", "x"), ("b", "y")]),
    ],
)
def test_one_text_goes_with_each_of_the_others_or_each_with_its_own(
    first: object, second: object, pairs: object
) -> None:
    assert score(text_1=first, text_2=second).pairs == pairs


@pytest.mark.parametrize(
    ("first", "second"),
    [("text_1", "text_2"), ("queries", "documents"), ("queries", "items"), ("data_1", "data_2")],
)
def test_each_pair_of_names_means_the_same_to_every_engine(first: str, second: str) -> None:
    told = body(**{first: "a", second: ["x"]})
    request = parse_score(told)
    assert request.pairs == [("a", "x")]
    assert json.loads(plain(told, request)) == {"model": "m", "text_1": "a", "text_2": ["x"]}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "'text_1' is required"),
        ({"text_1": "a"}, "'text_2' is required"),
        ({"text_1": ["a", "b"], "text_2": ["x"]}, "'text_1' has 2 texts and 'text_2' has 1"),
        (
            {"queries": ["a", "b"], "documents": ["x", "y", "z"]},
            "'queries' has 2 texts and 'documents' has 3",
        ),
        ({"text_1": "a", "queries": "a", "text_2": "x"}, "'queries' means the same as 'text_1'"),
        ({"text_1": "", "text_2": "x"}, "'text_1'"),
        ({"text_1": [], "text_2": "x"}, "'text_1'"),
        ({"text_1": 1, "text_2": "x"}, "'text_1'"),
    ],
)
def test_what_makes_no_pairs_is_refused_with_the_reason(fields: dict[str, object], reason: str) -> None:
    with pytest.raises(RequestError, match=reason):
        score(**fields)
