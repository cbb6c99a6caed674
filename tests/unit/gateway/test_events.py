import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polychat.errors import ReplicaError
from polychat.gateway.events import EventRelay

STREAM = b': ping\n\ndata: {"a":1}\n\nevent: x\ndata: {"b":"\xc3\xa9"}\n\ndata: [DONE]\n\n'


def shout(data: bytes) -> bytes:
    """Drops {"a"…}, doubles {"b"…}."""
    return b"" if b'"a"' in data else data.upper() + b"\n" + data.upper()


def cut(data: bytes, places: list[int]) -> list[bytes]:
    places = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(places)]


@given(st.lists(st.integers(0, 200)))
def test_without_a_rewrite_the_bytes_pass_unchanged_in_whole_events(places: list[int]) -> None:
    relay = EventRelay(None)
    out = [relay.feed(piece) for piece in cut(STREAM, places)]
    assert b"".join(out) == STREAM
    assert all(piece.endswith(b"\n\n") for piece in out if piece)
    assert relay.is_done


@given(st.lists(st.integers(0, 200)))
def test_a_rewrite_may_drop_change_and_add_events_however_they_were_split(places: list[int]) -> None:
    relay = EventRelay(shout)
    out = b"".join(relay.feed(piece) for piece in cut(STREAM, places))
    shouted = b'data: {"B":"\xc3\xa9"}\n\n'
    assert out == b": ping\n\n" + shouted + shouted + b"data: [DONE]\n\n"
    assert relay.is_done


def test_an_event_that_the_rewrite_returns_as_it_was_passes_byte_for_byte() -> None:
    odd = b"id: 7\ndata:{}\n\n"
    assert EventRelay(lambda data: data).feed(odd) == odd


def test_events_that_end_lines_with_crlf_are_whole_too() -> None:
    relay = EventRelay(None)
    assert relay.feed(b"data: 1\r\n\r") == b""
    assert relay.feed(b"\ndata: [DONE]\r\n\r\n") == b"data: 1\r\n\r\ndata: [DONE]\r\n\r\n"
    assert relay.is_done


def test_a_stream_is_not_done_before_its_last_event() -> None:
    relay = EventRelay(None)
    relay.feed(b'data: {"a":1}\n\ndata: [DONE]\n')
    assert not relay.is_done


@pytest.mark.parametrize("rewrite", [None, shout])
@given(places=st.lists(st.integers(0, 200)))
def test_of_a_stream_that_goes_on_the_end_is_noticed_and_kept(
    rewrite: Callable[[bytes], bytes] | None, places: list[int]
) -> None:
    relay, last = EventRelay(rewrite, goes_on=True), EventRelay(rewrite)
    out = b"".join(relay.feed(piece) for piece in cut(STREAM, places))
    assert out + b"data: [DONE]\n\n" == last.feed(STREAM)
    assert relay.is_done
    assert not relay.is_within_event


def test_an_engines_own_error_ends_a_stream() -> None:
    relay = EventRelay(None)
    relay.feed(b'data: {"a":1}\n\ndata: {"error":{"message":"x"}}\n\n')
    assert relay.is_done


@pytest.mark.parametrize("rewrite", [None, shout])
def test_an_event_without_an_end_is_given_up(rewrite: Callable[[bytes], bytes] | None) -> None:
    relay = EventRelay(rewrite, max_event_bytes=100)
    with pytest.raises(ReplicaError):
        relay.feed(b"data: " + b"x" * 101)


@pytest.mark.parametrize("said", ['{"content":"[DONE]"}', '{"content":"data: [DONE]"}', '"data: [DONE]"'])
def test_a_model_that_says_done_has_not_ended_its_stream(said: str) -> None:
    relay = EventRelay(None)
    relay.feed(f"data: {said}\n\n".encode())
    assert not relay.is_done


@pytest.mark.parametrize("said", ['{"text":"x"}\n\n: {"error"', '{"content":"data: {\\"error\\"}"}'])
def test_a_model_that_speaks_of_an_error_has_not_ended_its_stream(said: str) -> None:
    relay = EventRelay(None)
    relay.feed(f"data: {said}\n\n".encode())
    assert not relay.is_done
