import json

import pytest

from polychat.errors import RequestError
from polychat.gateway.routes.rerank import parse_rerank
from polychat.schema.rerank import RerankRequest, plain


def body(**fields: object) -> bytes:
    return json.dumps({"model": "m", "query": "q", "documents": ["a", "b"]} | fields).encode()


def rerank(**fields: object) -> RerankRequest:
    return parse_rerank(body(**fields))


def test_documents_are_texts_or_objects_with_one() -> None:
    assert rerank(documents=["a", {"text": "b"}]).texts == ["a", "b"]


def test_engines_get_texts_and_the_body_itself_when_it_has_them() -> None:
    told = body()
    assert plain(told, parse_rerank(told)) is told
    mixed = body(documents=["a", {"text": "b", "title": "B"}], priority=1)
    assert json.loads(plain(mixed, parse_rerank(mixed))) == json.loads(body(priority=1))


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"query": ""}, "query"),
        ({"query": None}, "query"),
        ({"documents": []}, "documents"),
        ({"documents": "a"}, "documents"),
        ({"documents": [{"title": "a"}]}, "documents[0].text"),
        ({"documents": [1]}, "documents[0]"),
        ({"top_n": -1}, "top_n"),
        ({"return_documents": "no"}, "return_documents"),
    ],
)
def test_what_cannot_be_ranked_is_refused_by_name(fields: dict[str, object], param: str) -> None:
    with pytest.raises(RequestError) as caught:
        rerank(**fields)
    assert caught.value.param == param
