"""More choices than slots: what llama.cpp is asked, group by group, and what clients get of its answers."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from polychat import sse
from polychat.engines.base import RequestView, Shaped
from polychat.engines.dialects import dialect_of
from polychat.errors import PlatformError
from polychat.schema.validation import parse_chat, parse_completion
from polychat.types import Endpoint

Document = dict[str, Any]  # Any: decoded JSON
MESSAGES = [{"role": "user", "content": "hi"}]


def chat(*, slots: int, stream: bool = True, **fields: object) -> Shaped:
    body = json.dumps({"model": "m", "messages": MESSAGES, "stream": stream, **fields}).encode()
    view = RequestView(Endpoint.CHAT, "m", stream, stream, request=parse_chat(body), slots=slots)
    return dialect_of("llamacpp")(body, view)


def texts(prompt: object, *, slots: int, stream: bool = False, **fields: object) -> Shaped:
    body = json.dumps({"model": "m", "prompt": prompt, "stream": stream, **fields}).encode()
    view = RequestView(Endpoint.COMPLETIONS, "m", stream, stream, request=parse_completion(body), slots=slots)
    return dialect_of("llamacpp")(body, view)


def groups(call: Shaped) -> list[Shaped]:
    calls = [call]
    while (then := calls[-1].then) is not None:
        calls.append(then())
    return calls


def asked(call: Shaped) -> tuple[object, object]:
    body = json.loads(call.body)
    return body["n"], body.get("seed")


def chunk(choices: list[Document], *, id_: str, **fields: object) -> bytes:
    head = {"created": 1795402097, "id": f"chatcmpl-{id_}", "model": "m", "object": "chat.completion.chunk"}
    return json.dumps({"choices": choices, **head, **fields}, separators=(",", ":")).encode()


def said(index: int, text: str, *, id_: str = "a") -> bytes:
    return chunk([{"finish_reason": None, "index": index, "delta": {"content": text}}], id_=id_)


def usage(completion_tokens: int, *, cached: int = 0) -> Document:
    counts = {"completion_tokens": completion_tokens, "prompt_tokens": 9, "total_tokens": 9}
    return {"usage": counts | {"prompt_tokens_details": {"cached_tokens": cached}}}


def of_text(index: int, text: str, *, tokens: int) -> bytes:
    choice = {"text": text, "index": index, "logprobs": None, "finish_reason": "length"}
    return chunk([choice], id_="a", **usage(tokens))


def event_of(call: Shaped) -> Callable[[bytes], Document]:
    assert call.event is not None
    event = call.event
    return lambda data: json.loads(event(data))


@pytest.mark.parametrize(("n", "slots"), [(4, 4), (1, 4), (6, 0), (128, 128)])
def test_what_fits_or_has_no_limit_is_asked_at_once(n: int, slots: int) -> None:
    call = chat(slots=slots, n=n)
    assert call.then is None
    assert json.loads(call.body)["n"] == n


def test_what_does_not_fit_is_asked_in_groups_of_the_slots() -> None:
    assert [asked(call) for call in groups(chat(slots=4, n=10))] == [(4, None), (4, None), (2, None)]
    assert [asked(call) for call in groups(chat(slots=1, n=2))] == [(1, None), (1, None)]


@pytest.mark.parametrize(
    ("seed", "seeds"), [(7, [7, 11]), (0, [0, 4]), (-3, [2**32 - 4, 1]), (2**32 - 1, [0, 4])]
)
def test_each_group_has_the_seed_that_follows_on_the_choices_before(seed: int, seeds: list[int]) -> None:
    assert [asked(call)[1] for call in groups(chat(slots=4, n=6, seed=seed))] == seeds


def test_the_choices_made_to_find_the_best_are_what_must_fit() -> None:
    call = texts("a", slots=4, best_of=5, n=1)
    assert asked(call) == (4, None)
    assert texts(["a", "b"], slots=4, n=4).then is None


def test_the_choices_of_later_groups_go_on_counting_under_the_first_id() -> None:
    first, last = groups(chat(slots=2, n=3))
    assert event_of(first)(said(1, "x", id_="a"))["choices"][0]["index"] == 1
    sent = event_of(last)(said(0, "y", id_="b"))
    assert (sent["choices"][0]["index"], sent["id"]) == (2, "chatcmpl-a")
    assert sent["choices"][0]["delta"] == {"content": "y"}


def test_the_token_counts_come_once_after_the_last_group() -> None:
    first, last = groups(chat(slots=2, n=3))
    assert first.event is not None
    assert [first.event(chunk([], id_="a", **usage(2))) for _ in range(2)] == [b"", b""]
    told = event_of(last)(chunk([], id_="b", **usage(3, cached=8)))["usage"]
    assert told == {
        "prompt_tokens": 9,
        "completion_tokens": 7,
        "total_tokens": 16,
        "prompt_tokens_details": {"cached_tokens": 0},
    }


def test_a_whole_answer_has_the_choices_of_all_groups_prompt_by_prompt() -> None:
    call = texts(["a", "b"], slots=2, n=3)
    assert call.response is not None
    datas = [of_text(index, f"first {index}", tokens=2) for index in range(4)]
    last = call.response(b"".join(map(sse.encode, [*datas[:2], b"null", *datas[2:]])) + sse.DONE)
    assert isinstance(last, Shaped)
    assert last.response is not None
    answer = last.response(
        b"".join(sse.encode(of_text(at, f"last {at}", tokens=3)) for at in (0, 1)) + sse.DONE
    )
    assert isinstance(answer, bytes)
    document = json.loads(answer)
    assert [(c["index"], c["text"]) for c in document["choices"]] == [
        (0, "first 0"),
        (1, "first 1"),
        (2, "last 0"),
        (3, "first 2"),
        (4, "first 3"),
        (5, "last 1"),
    ]
    assert (document["usage"]["prompt_tokens"], document["usage"]["completion_tokens"]) == (18, 14)
    assert document["id"] == "cmpl-a"


def test_an_error_in_a_groups_stream_is_the_platforms() -> None:
    first, _ = groups(chat(slots=2, n=3))
    assert first.event is not None
    with pytest.raises(PlatformError, match="The engine failed: no room"):
        first.event(b'{"error":{"code":500,"message":"no room","type":"server_error"}}')
