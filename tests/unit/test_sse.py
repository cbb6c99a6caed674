import itertools

from hypothesis import given
from hypothesis import strategies as st

from polychat import sse

STREAM = b"data: 1\n\n: ping\n\nevent: x\r\ndata: 2\r\ndata:3\r\n\r\ndata: 4\n\n"


@given(st.lists(st.integers(0, len(STREAM))))
def test_however_the_bytes_are_split_the_events_are_the_same(places: list[int]) -> None:
    places = sorted({0, len(STREAM), *places})
    splitter = sse.EventSplitter()
    events = [event for a, b in itertools.pairwise(places) for event in splitter.feed(STREAM[a:b])]
    assert [sse.data_of(event) for event in events] == [b"1", None, b"2\n3", b"4"]
    assert splitter.rest == b""


def test_half_an_event_is_kept_until_the_rest_comes() -> None:
    splitter = sse.EventSplitter()
    assert splitter.feed(b"data: 1\n") == []
    assert splitter.rest == b"data: 1\n"


def test_what_is_encoded_is_read_back() -> None:
    assert sse.data_of(sse.encode(b'{"a":1}')) == b'{"a":1}'


def test_only_whole_events_are_counted() -> None:
    assert sse.whole_events_bytes(b"data: 1\n\ndata: 2") == 9
    assert sse.whole_events_bytes(b"data: 1\r\n\r\ndata: 2\r\n") == 11
    assert sse.whole_events_bytes(b"data: 1\n") == 0
    assert sse.whole_events_bytes(b"data: 1\n\n") == 9
