import json

import pytest

from polychat.engines.base import RequestView
from polychat.engines.dialects import dialect_of
from polychat.types import Endpoint


@pytest.mark.parametrize(
    ("model", "number", "scale"), [("red", 0, 1.0), ("blue", 1, 1.0), ("base", 0, 0.0), ("alias", 0, 0.0)]
)
@pytest.mark.parametrize("endpoint", [Endpoint.CHAT, Endpoint.COMPLETIONS])
def test_the_models_name_says_which_adapter_answers(
    endpoint: Endpoint, model: str, number: int, scale: float
) -> None:
    view = RequestView(endpoint, model, adapters=("red", "blue"))
    asked = json.loads(dialect_of("llamacpp")(b'{"lora":[{"id":1,"scale":9}]}', view).body)
    assert asked["lora"] == [{"id": number, "scale": scale}]


def test_without_adapters_nothing_is_added() -> None:
    assert b"lora" not in dialect_of("llamacpp")(b"{}", RequestView(Endpoint.CHAT, "m")).body
