"""Every server's list of models says as much as it says."""

import json

import msgspec
import pytest

from polychat.engines.attached.models import USUAL, Model, listing
from polychat.types import Endpoint, Feature


def listed(*cards: dict[str, object]) -> tuple[Model, ...]:
    return listing(json.dumps({"object": "list", "data": cards}).encode()).models


@pytest.mark.parametrize("field", ["max_model_len", "context_length", "context_window", "max_context_length"])
def test_the_context_length_is_read_whatever_a_server_calls_it(field: str) -> None:
    assert listed({"id": "m", field: 4096}) == (Model("m", context_length=4096),)


def test_a_server_that_does_not_tell_is_tried() -> None:
    assert listed({"id": "m"}) == (Model("m", endpoints=USUAL, features=None),)


def test_a_bare_list_is_as_good() -> None:
    assert listing(b'[{"id":"m","context_length":null}]').models == (Model("m"),)


def test_adapters_belong_to_their_model() -> None:
    lora: dict[str, object] = {"id": "lora", "root": "/lora", "parent": "base"}
    assert listed({"id": "base", "root": "/path"}, lora) == (Model("base", adapters=("lora",)),)


def test_another_polychat_tells_aliases_routes_and_features() -> None:
    facts = {"root": "u/m", "owned_by": "polychat", "endpoints": ["/v1/chat/completions", "/v9/new"]}
    (model,) = listed(
        {"id": "u/m", **facts, "features": ["tools", "embeddings"]}, {"id": "m", **facts, "features": []}
    )
    assert model.id == "u/m"
    assert model.endpoints == frozenset({Endpoint.CHAT})
    assert model.features == frozenset({Feature.TOOLS})


def test_who_signs_the_models_is_known() -> None:
    assert listing(b'{"data":[{"id":"a"},{"id":"m","owned_by":"vllm"}]}').owner == "vllm"


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"data":[{"name":"m"}]}', b'"models"'])
def test_what_is_no_list_of_models_is_an_error(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        listing(body)
