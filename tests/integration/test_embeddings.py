"""A real embedding model behind a gateway, asked with OpenAI's SDK."""

import base64
import math
import struct
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import httpx
import openai
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from tests.support import minilm_gguf
from tests.support.cluster import Cluster

MODEL = "all-minilm"
CHAT_MODEL = "polychat-mini"
TEXTS = [
    "hello",
    "How old are you?",
    "Ärger über die Straße, naïve café; 東京 and ☃!",
    "The quick brown fox jumps over the lazy dog. " * 20,
    " \n\t leading and trailing space ",
    "x",
]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    model = minilm_gguf.write(tmp_path_factory.mktemp("models") / "all-minilm.gguf")
    with ExitStack() as stack:
        cluster = Cluster(stack)
        cluster.start_worker("worker", str(model))
        cluster.start_worker("worker", "builtin")
        yield cluster


@pytest.fixture(scope="module")
def sdk(cluster: Cluster) -> Iterator[openai.OpenAI]:
    with cluster.sdk as sdk:
        yield sdk


@pytest.fixture(scope="module")
def http(cluster: Cluster) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=cluster.api_url, trust_env=False, timeout=30) as http:
        yield http


def vectors(sdk: openai.OpenAI, texts: Sequence[str]) -> list[list[float]]:
    answer = sdk.embeddings.create(model=MODEL, input=list(texts))
    assert [item.index for item in answer.data] == list(range(len(texts)))
    return [item.embedding for item in answer.data]


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def reference(text: str) -> list[float]:
    """transformers' own vector: the mean of the last layer, with length 1."""
    folder = minilm_gguf.folder()
    tokens = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt", truncation=True, max_length=512)
    with torch.no_grad():
        states = AutoModel.from_pretrained(folder)(**tokens).last_hidden_state[0]
    mean = states.mean(0)
    vector: list[float] = (mean / mean.norm()).tolist()
    return vector


@pytest.mark.parametrize("text", TEXTS)
def test_vectors_are_those_of_transformers(sdk: openai.OpenAI, text: str) -> None:
    (vector,) = vectors(sdk, [text])
    assert vector == pytest.approx(reference(text), abs=1e-3)
    assert math.hypot(*vector) == pytest.approx(1, abs=1e-5)


def test_texts_that_mean_the_same_are_near_each_other(sdk: openai.OpenAI) -> None:
    age, same, other = vectors(
        sdk, ["How old are you?", "What is your age?", "The stock market fell by two percent."]
    )
    assert cosine(age, same) > 0.7
    assert cosine(age, other) < 0.2


def test_a_text_has_the_same_vector_alone_and_among_others(sdk: openai.OpenAI) -> None:
    many = [f"{text} {number}" for number in range(6) for text in TEXTS]
    together = vectors(sdk, many)
    for index in (0, 3, 20, 35):
        (alone,) = vectors(sdk, [many[index]])
        assert (
            cosine(together[index], alone) > 1 - 1e-5
        )  # llama.cpp looks GELU up in a table of 16-bit floats


def test_usage_counts_every_token_and_the_answer_has_only_published_fields(http: httpx.Client) -> None:
    body = {"model": MODEL, "input": ["hello world", "a cat"], "encoding_format": "float"}
    answer = http.post("/v1/embeddings", json=body).json()
    assert answer["usage"] == {"prompt_tokens": 8, "total_tokens": 8}
    assert (answer["object"], answer["model"]) == ("list", MODEL)
    assert set(answer) == {"object", "model", "data", "usage"}
    assert {frozenset(item) for item in answer["data"]} == {frozenset({"object", "index", "embedding"})}
    answer = http.post("/v1/embeddings", json=body | {"encoding_format": "base64"}).json()
    assert set(answer) == {"object", "model", "data", "usage"}
    assert {frozenset(item) for item in answer["data"]} == {frozenset({"object", "index", "embedding"})}


def test_base64_holds_the_same_numbers_as_32_bit_floats(http: httpx.Client) -> None:
    body = {"model": MODEL, "input": "hello", "dimensions": None, "user": None}
    numbers, packed = (
        http.post("/v1/embeddings", json=body | {"encoding_format": form}).json()["data"][0]["embedding"]
        for form in (None, "base64")
    )
    raw = base64.b64decode(packed)
    assert len(raw) == 4 * minilm_gguf.DIMENSIONS
    assert list(struct.unpack(f"<{minilm_gguf.DIMENSIONS}f", raw)) == pytest.approx(numbers, abs=1e-7)


def test_token_ids_have_the_vector_of_their_text(sdk: openai.OpenAI, http: httpx.Client) -> None:
    texts = ["hello world", "a cat"]
    ids = [http.post("/tokenize", json={"model": MODEL, "prompt": text}).json()["tokens"] for text in texts]
    expected = vectors(sdk, texts)
    answer = sdk.embeddings.create(model=MODEL, input=ids)
    for index in (0, 1):
        assert answer.data[index].embedding == pytest.approx(expected[index], abs=1e-6)
    (alone,) = sdk.embeddings.create(model=MODEL, input=ids[0]).data
    assert alone.embedding == pytest.approx(expected[0], abs=1e-6)


def test_fewer_dimensions_are_the_first_ones_scaled_to_length_1(sdk: openai.OpenAI) -> None:
    (whole,) = vectors(sdk, ["hello"])
    for form in ("float", "base64"):
        answer = sdk.embeddings.create(model=MODEL, input="hello", dimensions=64, encoding_format=form)
        vector = answer.data[0].embedding
        shown = vector if isinstance(vector, list) else struct.unpack("<64f", base64.b64decode(vector))
        assert math.hypot(*shown) == pytest.approx(1, abs=1e-6)
        assert cosine(shown, whole[:64]) == pytest.approx(math.hypot(*whole[:64]), abs=1e-6)


def test_an_input_may_fill_the_context_and_no_more(sdk: openai.OpenAI) -> None:
    assert len(vectors(sdk, ["cat " * 510])) == 1  # and two tokens that mark the ends
    for text in ("cat " * 511, "cat " * 3000):
        with pytest.raises(openai.BadRequestError) as caught:
            sdk.embeddings.create(model=MODEL, input=["fits", text])
        assert (caught.value.code, caught.value.param) == ("context_length_exceeded", "input")
        assert "512 tokens" in str(caught.value)
        assert str(len(text.split()) + 2) in str(caught.value)


def test_what_is_too_long_is_cut_if_so_asked_as_transformers_cuts_it(sdk: openai.OpenAI) -> None:
    text = "A long walk through the old town, " * 100
    options = {"truncate_prompt_tokens": -1}
    answer = sdk.embeddings.create(model=MODEL, input=["short", text], extra_body=options)
    assert answer.usage.prompt_tokens == 3 + 512
    assert cosine(answer.data[1].embedding, reference(text)) > 1 - 1e-5


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": ""}, "input"),
        ({"input": ["a", ""]}, "input"),
        ({"input": ["a"] * 2049}, "input"),
        ({"input": [[1], []]}, "input"),
        ({"input": "a", "dimensions": 385}, "dimensions"),
        ({"input": "a", "dimensions": 0}, "dimensions"),
        ({"input": "a", "encoding_format": "hex"}, "encoding_format"),
    ],
)
def test_what_cannot_be_embedded_is_refused_by_name(
    http: httpx.Client, fields: dict[str, object], param: str
) -> None:
    answer = http.post("/v1/embeddings", json={"model": MODEL} | fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_too_many_dimensions_are_told_the_models_size(sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="this model's vectors have 384"):
        sdk.embeddings.create(model=MODEL, input="a", dimensions=385)


def test_an_unknown_token_is_refused(sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError):
        sdk.embeddings.create(model=MODEL, input=[[101, 999_999]])


def test_as_many_inputs_as_openai_takes_come_back_in_order(sdk: openai.OpenAI) -> None:
    texts = [str(number) for number in range(2048)]
    together = vectors(sdk, texts)
    (last,) = vectors(sdk, [texts[-1]])
    assert cosine(together[-1], last) > 1 - 1e-5


def test_chats_and_embeddings_are_different_models(sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        sdk.embeddings.create(model=CHAT_MODEL, input="a")
    assert (caught.value.status_code, caught.value.code) == (501, "not_implemented")
    with pytest.raises(openai.APIStatusError) as caught:
        sdk.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "a"}])
    assert (caught.value.status_code, caught.value.code) == (501, "not_implemented")


def test_the_models_card_says_what_it_is_for(http: httpx.Client) -> None:
    card = http.get(f"/v1/models/{MODEL}").json()
    assert {"embeddings", "rerank", "score"} <= set(card["features"])
    assert card["modalities"] == {"input": ["text"], "output": ["embeddings", "scores"]}
    assert card["context_length"] == 512
