import json

import pytest

from polychat.errors import RequestError
from polychat.gateway.routes.classify import parse_classify
from polychat.schema.embeddings import MAX_INPUTS, EmbeddingRequest
from polychat.schema.validation import parse_embedding
from polychat.types import Feature


def embedding(**fields: object) -> EmbeddingRequest:
    return parse_embedding(json.dumps({"model": "m"} | fields).encode())


@pytest.mark.parametrize("given", ["a", ["a"], ["a", "b"], [1, 2], [[1, 2], [3]], ["a"] * MAX_INPUTS])
def test_an_input_is_a_text_or_tokens_or_a_list_of_either(given: object) -> None:
    assert embedding(input=given).input == given


def test_one_input_may_be_any_number_of_tokens() -> None:
    assert embedding(input=[7] * (MAX_INPUTS + 1)).needs == {Feature.TOKEN_PROMPTS}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("", "'input' must not be empty"),
        (["a", ""], "'input' must not be empty \\(number 1 of the list is\\)"),
        ([[]], "'input' must not be empty \\(number 0"),
        ([], "Invalid value for 'input'"),
        (["a", 1], "'input' must be a text, a list of texts"),
        (["a", [1]], "'input' must be a text, a list of texts"),
        (["a"] * (MAX_INPUTS + 1), "'input' has 2049 inputs; at most 2048"),
        ([-1], "Invalid value for 'input\\[0\\]'"),
        (None, "Invalid value for 'input'"),
    ],
)
def test_what_is_no_input_is_refused_with_the_reason(given: object, reason: str) -> None:
    with pytest.raises(RequestError, match=reason):
        embedding(input=given)
    with pytest.raises(RequestError, match=reason):
        parse_classify(json.dumps({"model": "m", "input": given}).encode())


@pytest.mark.parametrize(
    ("given", "inputs"),
    [("a", ["a"]), (["a", "b"], ["a", "b"]), ([1, 2], [[1, 2]]), ([[1], [2]], [[1], [2]])],
)
def test_each_input_is_told_from_the_others(given: object, inputs: object) -> None:
    assert embedding(input=given).inputs == inputs


def test_inputs_may_be_cut_but_not_to_nothing() -> None:
    assert embedding(input="a", truncate_prompt_tokens=-1).truncate_prompt_tokens == -1
    for length in (0, -2):
        with pytest.raises(RequestError, match="'truncate_prompt_tokens'"):
            embedding(input="a", truncate_prompt_tokens=length)


def test_dimensions_and_format_are_held_to_what_is_published() -> None:
    assert embedding(input="a", dimensions=1, encoding_format="base64").dimensions == 1
    with pytest.raises(RequestError, match="'dimensions'"):
        embedding(input="a", dimensions=0)
    with pytest.raises(RequestError, match="'encoding_format'"):
        embedding(input="a", encoding_format="hex")
