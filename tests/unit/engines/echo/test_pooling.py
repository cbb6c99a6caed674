import base64
import struct
from typing import Any

import pytest

from polychat.engines.echo import pooling
from polychat.engines.echo.answers import Reader
from polychat.engines.echo.tokens import Vocabulary
from polychat.errors import RequestError


@pytest.fixture
def reader() -> Reader:
    return Reader(Vocabulary(), 100)


def data(document: dict[str, object]) -> Any:
    return document["data"]


def test_vectors_are_the_same_for_the_same_text_and_have_length_1(reader: Reader) -> None:
    answer = pooling.embeddings(reader, {"model": "m", "input": ["a", "a", "b"]})
    first, again, other = [item["embedding"] for item in data(answer)]
    assert first == again != other
    assert sum(value * value for value in first) == pytest.approx(1)
    assert answer["usage"] == {"prompt_tokens": 3, "total_tokens": 3}


def test_vectors_come_as_base64_and_as_long_as_asked(reader: Reader) -> None:
    ask = {"model": "m", "input": "a", "encoding_format": "base64", "dimensions": 8}
    (item,) = data(pooling.embeddings(reader, ask))
    assert len(struct.unpack("<8f", base64.b64decode(item["embedding"]))) == 8


def test_token_ids_have_their_texts_vector(reader: Reader) -> None:
    ids = pooling.tokenize(reader, {"prompt": "one two"})["tokens"]
    both = [pooling.embeddings(reader, {"model": "m", "input": each}) for each in (ids, "one two")]
    assert data(both[0]) == data(both[1])


def test_tokens_are_counted_named_and_read_again(reader: Reader) -> None:
    answer: Any = pooling.tokenize(reader, {"prompt": "one two", "return_token_strs": True})
    assert (answer["count"], answer["max_model_len"], answer["token_strs"]) == (2, 100, ["one", " two"])
    assert pooling.detokenize(reader, {"tokens": answer["tokens"]}) == {"prompt": "one two"}
    with pytest.raises(RequestError, match="no token id"):
        pooling.detokenize(reader, {"tokens": [1]})


def test_a_chat_is_tokenized_as_it_is_counted(reader: Reader) -> None:
    ask = {"messages": [{"role": "system", "content": "a b"}, {"role": "user", "content": "c"}]}
    assert pooling.tokenize(reader, ask)["count"] == len(reader.chat(ask).prompt) == 3


def test_documents_are_ranked_by_the_words_they_share(reader: Reader) -> None:
    ask = {
        "model": "m",
        "query": "red fox",
        "documents": ["a cat", {"text": "A red fox."}, "fox"],
        "top_n": 2,
    }
    results: Any = pooling.rerank(reader, ask)["results"]
    assert [(each["index"], each["document"]["text"]) for each in results] == [(1, "A red fox."), (2, "fox")]
    assert 1 > results[0]["relevance_score"] > results[1]["relevance_score"] > 0


def test_one_text_is_scored_with_each_of_the_others(reader: Reader) -> None:
    answer = pooling.score(reader, {"model": "m", "text_1": "a b", "text_2": ["a b", "c"]})
    assert [item["score"] for item in data(answer)] == [1, 0]
    with pytest.raises(RequestError, match="2 texts"):
        pooling.score(reader, {"model": "m", "text_1": ["a", "b"], "text_2": ["a", "b", "c"]})


def test_questions_are_told_from_statements(reader: Reader) -> None:
    answer = pooling.classify(reader, {"model": "m", "input": ["why?", "so."]})
    assert [item["label"] for item in data(answer)] == ["question", "statement"]
