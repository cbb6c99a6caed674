"""Servers that call their model otherwise are asked by their name, and clients hear theirs."""

import json

import pytest

from polychat.engines import launches
from polychat.engines.base import RequestView, Shaped
from polychat.engines.dialects import dialect_of
from polychat.types import Endpoint

BODY = b'{"model":"mine","messages":[]}'


def shaped(engine: str, *, model: str = "mine", adapters: tuple[str, ...] = (), upstream: str = "") -> Shaped:
    view = RequestView(Endpoint.CHAT, model, adapters=adapters, upstream_model=upstream)
    return dialect_of(engine)(BODY.replace(b"mine", model.encode()), view)


def asked_for(shape: Shaped) -> str:
    name = json.loads(shape.body)["model"]
    assert isinstance(name, str)
    return name


@pytest.mark.parametrize(
    ("engine", "name"),
    [
        ("tgi", "tgi"),
        ("lmdeploy", "polychat"),
        ("mistralrs-serve", "default"),
        ("ovms", "polychat"),
        ("ollama", "polychat"),
        ("xinference", "polychat"),
    ],
)
def test_a_launch_knows_the_name_that_its_command_line_gives(engine: str, name: str) -> None:
    assert launches.launch_of(engine).model_name == name


@pytest.mark.parametrize("engine", ["sglang", "tgi", "ovms", "mii"])
def test_the_server_is_asked_by_its_own_name_and_the_client_hears_its_own(engine: str) -> None:
    shape = shaped(engine, upstream="/models/qwen")
    assert shape.response is not None
    assert shape.event is not None

    assert asked_for(shape) == "/models/qwen"
    assert shape.response(b'{"id":"1","model":"/models/qwen"}') == b'{"id":"1","model":"mine"}'
    assert shape.event(b'{"model":"/models/qwen"}') == b'{"model":"mine"}'


@pytest.mark.parametrize(
    ("engine", "name"),
    [("sglang", "model:sql"), ("tgi", "sql"), ("lmdeploy", "sql"), ("xinference", "sql")],
)
def test_an_adapter_is_asked_for_as_the_server_wants_it(engine: str, name: str) -> None:
    assert asked_for(shaped(engine, model="sql", adapters=("sql",), upstream="base")) == name


def test_openvino_model_server_has_its_routes_under_v3() -> None:
    assert shaped("ovms").path == "/v3/chat/completions"
