import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polychat.engines.base import RequestView
from polychat.engines.llamacpp.chat import ChatEvents
from polychat.engines.model_name import named
from polychat.engines.steady import Steady, around
from polychat.engines.vllm import fields
from polychat.schema.chat import ChatRequest
from polychat.types import Endpoint

VIEW = RequestView(Endpoint.CHAT, "mine", stream=True, include_usage=True)

Rewrite = Callable[[bytes], bytes]
REWRITES: dict[str, Callable[[], Rewrite]] = {
    "llama.cpp": lambda: ChatEvents(VIEW, ChatRequest(model="mine", messages=[])),
    "vLLM": lambda: lambda data: fields.chunk(data, VIEW),
    "a name": lambda: lambda data: named(data, "mine"),
}
texts = st.text(st.sampled_from('a"\\:{}é,\n') | st.characters(codec="utf-8"), max_size=5) | st.just("null")
deltas: st.SearchStrategy[object] = (
    st.fixed_dictionaries({"content": texts})
    | st.fixed_dictionaries({"role": st.just("assistant"), "content": st.none() | texts})
    | st.fixed_dictionaries({"reasoning": texts, "content": texts})
    | st.just({})
)
ENDINGS: list[dict[str, object]] = [{}, {"created": 1790000001}, {"timings": {"a": 1}}, {"model": "other"}]
chunks = st.builds(
    lambda delta, index, more: json.dumps(
        {
            "choices": [{"index": index, "delta": delta, "finish_reason": None}],
            "created": 1790000000,
            "model": "theirs",
            **more,
        },
        separators=(",", ":"),
        ensure_ascii=False,
    ).encode(),
    deltas,
    st.integers(0, 1),
    st.sampled_from(ENDINGS),
)


@pytest.mark.parametrize("name", REWRITES)
@given(stream=st.lists(chunks, max_size=12))
def test_chunks_are_changed_as_they_are_one_by_one(name: str, stream: list[bytes]) -> None:
    steady, plain = Steady(REWRITES[name]()), REWRITES[name]()
    assert [steady(data) for data in stream] == [plain(data) for data in stream]


def test_only_the_first_of_chunks_that_differ_in_their_text_is_looked_into() -> None:
    seen: list[bytes] = []
    steady = Steady(lambda data: seen.append(data) or data.replace(b"theirs", b"mine"))  # type: ignore[func-returns-value]
    told = [steady(b'{"delta":{"content":"%b"},"model":"theirs"}' % text) for text in (b"a", b"bc", b"")]
    assert told == [b'{"delta":{"content":"%b"},"model":"mine"}' % text for text in (b"a", b"bc", b"")]
    assert len(seen) == 1


def test_what_is_done_around_a_rewrite_that_remembers_is_done_each_time() -> None:
    assert isinstance(around(bytes.upper, None), Steady)
    assert isinstance(around(bytes.upper, Steady(bytes.upper)), Steady)
    assert not isinstance(around(bytes.upper, bytes.upper), Steady)
