import base64
import json
import math
import struct
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polychat.engines.base import RequestView, Shaped
from polychat.engines.llamacpp.dialect import shape
from polychat.errors import RequestError
from polychat.types import Endpoint

FLOATS = st.floats(-1, 1, width=32).filter(lambda value: abs(value) > 1e-3)


def asked(**fields: object) -> Shaped:
    return shape(
        json.dumps({"model": "asked", "input": "a"} | fields).encode(),
        RequestView(Endpoint.EMBEDDINGS, "asked"),
    )


def packed(vector: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def unpacked(text: str) -> list[float]:
    raw = base64.b64decode(text)
    return list(struct.unpack(f"<{len(raw) // 4}f", raw))


def asked_to_cut(given: object, length: int) -> Shaped:
    view = RequestView(Endpoint.EMBEDDINGS, "asked", context_length=8)
    body = {"model": "asked", "input": given, "truncate_prompt_tokens": length}
    return shape(json.dumps(body).encode(), view)


def then(call: Shaped, tokens: list[int]) -> Shaped:
    assert call.is_side_call
    assert call.response is not None
    following = call.response(json.dumps({"tokens": tokens}).encode())
    assert isinstance(following, Shaped)
    return following


def shown(call: Shaped, *vectors: Sequence[float]) -> dict[str, object]:
    """What a client gets when llama.cpp's answer is in base64."""
    items = [
        {"embedding": packed(vector), "index": index, "object": "embedding", "encoding_format": "base64"}
        for index, vector in enumerate(vectors)
    ]
    said = {"model": "m", "object": "list", "usage": {"prompt_tokens": 3, "total_tokens": 3}, "data": items}
    assert call.response is not None
    data = call.response(json.dumps(said).encode())
    assert isinstance(data, bytes)
    document: dict[str, object] = json.loads(data)
    return document


def vector_of(document: dict[str, object]) -> list[float]:
    data = document["data"]
    assert isinstance(data, list)
    vector = data[0]["embedding"]
    return unpacked(vector) if isinstance(vector, str) else vector


def test_numbers_pass_as_they_came_but_for_the_models_name() -> None:
    call = asked(encoding_format=None, dimensions=None, user=None)
    assert json.loads(call.body) == {"input": "a", "encoding_format": "float"}
    assert call.response is not None
    assert call.response(b'{"model":"m","data":[{"embedding":[0.25]}]}') == (
        b'{"model":"asked","data":[{"embedding":[0.25]}]}'
    )


def test_base64_comes_without_the_engines_own_field() -> None:
    assert shown(asked(encoding_format="base64", input=["a", "b"]), [1, 0], [0, 1]) == {
        "object": "list",
        "data": [
            {"object": "embedding", "index": 0, "embedding": packed([1, 0])},
            {"object": "embedding", "index": 1, "embedding": packed([0, 1])},
        ],
        "model": "asked",
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    }


@given(vector=st.lists(FLOATS, min_size=1, max_size=8), dimensions=st.integers(1, 8), packs=st.booleans())
def test_fewer_dimensions_are_the_first_ones_as_a_vector_of_length_1(
    vector: list[float], dimensions: int, packs: bool
) -> None:
    call = asked(dimensions=dimensions, encoding_format="base64" if packs else "float")
    assert json.loads(call.body)["encoding_format"] == "base64"
    if dimensions > len(vector):
        with pytest.raises(RequestError, match=f"this model's vectors have {len(vector)}") as caught:
            shown(call, vector)
        assert caught.value.param == "dimensions"
        return
    kept = vector_of(shown(call, vector))
    length = math.hypot(*vector[:dimensions])
    assert kept == pytest.approx([value / length for value in vector[:dimensions]], abs=1e-6)


def test_a_vector_of_nothing_stays_one() -> None:
    assert vector_of(shown(asked(dimensions=1), [0, 1])) == [0]


def test_texts_that_may_be_too_long_are_cut_between_the_tokens_that_mark_their_ends() -> None:
    call = asked_to_cut(["long enough", "a", "wide enough"], -1)
    assert json.loads(call.body)["content"] == "long enough"
    call = then(call, [101, *range(1, 9), 102])
    assert json.loads(call.body)["content"] == "wide enough"
    call = then(call, [101, 1, 2, 102])
    assert json.loads(call.body)["input"] == [[101, 1, 2, 3, 4, 5, 6, 102], "a", "wide enough"]


@pytest.mark.parametrize(("length", "kept"), [(-1, 8), (3, 3), (100, 8)])
def test_token_ids_are_cut_without_asking(length: int, kept: int) -> None:
    assert json.loads(asked_to_cut(list(range(20)), length).body)["input"] == [list(range(kept))]


def test_llama_cpps_500_for_an_input_longer_than_a_batch_tells_the_numbers() -> None:
    said = b"input (513 tokens) is too large to process. increase the ... (current batch size: 512)"
    call = asked()
    assert call.refused is not None
    error = call.refused(500, b'{"error":{"message":"%b"}}' % said)
    assert error is not None
    assert (error.status, error.code, error.param) == (400, "context_length_exceeded", "input")
    assert "512 tokens. However, the prompt has 513" in str(error)
