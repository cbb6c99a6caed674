"""A replica's successful answer on its way to the client: whole, as a stream of events, or as media."""

import asyncio

from polychat.engines.base import Shaped
from polychat.errors import ReplicaError
from polychat.gateway import counting
from polychat.gateway.answers import usage_of
from polychat.gateway.errand import Errand
from polychat.gateway.events import EventRelay, failure_in
from polychat.gateway.sink import MediaToClient
from polychat.gateway.wire import Response
from polychat.types import Endpoint

_ENDS_BY_ITSELF = frozenset(  # streams of these have no [DONE]: the last event depends on the route
    {
        Endpoint.TRANSCRIPTIONS,
        Endpoint.TRANSLATIONS,
        Endpoint.SPEECH,
        Endpoint.IMAGES,
        Endpoint.IMAGE_EDITS,
    }
)


async def answer(errand: Errand, response: Response, call: Shaped) -> Shaped | None:
    """Give the answer to the sink, or return the next call to make.

    Raises:
        ReplicaError: the replica broke off, or said in mid-stream that it failed.
        UpstreamError: its connection did.
    """
    journey, view, sink = errand.journey, errand.view, errand.sink
    content_type = response.headers.get(b"content-type", b"application/json").decode("latin-1")
    if view.stream and not call.is_side_call and content_type.startswith("text/event-stream"):
        return await _answer_stream(errand, response, call)
    if isinstance(sink, MediaToClient) and not _is_text(content_type):
        await _answer_media(response, content_type, sink)
        return None
    body = await response.read_all()
    answer = call.response(body) if call.response else body
    if isinstance(answer, Shaped):
        return answer
    if content_type.startswith("text/event-stream"):  # a stream that `response` has put together
        content_type = "application/json"
    journey.first_s = asyncio.get_running_loop().time()
    journey.usage = usage_of(answer)
    await sink.whole(answer, content_type=content_type)
    return None


async def _answer_stream(errand: Errand, response: Response, call: Shaped) -> Shaped | None:
    """Give the stream to the sink; return the call that goes on with it."""
    relay = EventRelay(call.event, goes_on=call.then is not None)
    while data := await response.read():
        if events := relay.feed(data):
            await _pass_on(errand, events, is_last=relay.is_done and call.then is None)
    if not (relay.is_done or (call.path in _ENDS_BY_ITSELF and _ended_well(response, relay))):
        raise ReplicaError("The replica broke off: its stream ended before its last event.")
    if call.then is not None:
        return call.then()
    await errand.sink.end()
    return None


async def _pass_on(errand: Errand, events: bytes, *, is_last: bool) -> None:
    """Whole events of the replica to the client."""
    journey = errand.journey
    if is_last and (failure := failure_in(events)) is not None:
        if before := events[: events.rstrip().rfind(b"\n\n") + 2]:
            await _pass_on(errand, before, is_last=False)
        raise failure
    if journey.first_s is None:
        journey.first_s = asyncio.get_running_loop().time()
    if errand.heard_s is None:
        errand.hear(asyncio.get_running_loop().time())
    if errand.keeps_transcript:
        events = errand.transcript.passed(events)
    journey.is_whole = is_last
    if shown := counting.noted(journey, events):
        await errand.sink.events(shown)


def _ended_well(response: Response, relay: EventRelay) -> bool:
    """Whether the stream's end was said to be one, and no mere loss of the connection."""
    return not (response.ends_with_connection or relay.is_within_event)


async def _answer_media(response: Response, content_type: str, sink: MediaToClient) -> None:
    data = await response.read()  # before anything is sent: another replica may still be tried
    await sink.begin(content_type)
    while data:
        await sink.events(data)
        data = await response.read()
    await sink.end()


def _is_text(content_type: str) -> bool:
    return content_type.startswith(("text/", "application/json"))
