"""Token counts of every answer: asked for where the client did not, and taken out before it sees them."""

import re
from dataclasses import dataclass, field

import msgspec

from polychat import sse
from polychat.engines.base import RequestView
from polychat.gateway.answers import Usage, usage_of
from polychat.gateway.journey import Journey, Outcome
from polychat.schema.chat import ChatRequest
from polychat.schema.generation import GenerationRequest
from polychat.types import Feature

_ASKED = b'"stream_options":{"include_usage":true}'
_KEY = b'"usage"'
_NO_COUNTS_YET = b',"usage":null'
_COUNTS = re.compile(rb'"usage"\s*:\s*\{')
_BYTES_PER_TOKEN = 4  # of English, about: https://platform.openai.com/tokenizer

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(slots=True)
class Counting:
    """What one gateway knows of how servers take to be asked for token counts."""

    _refusing: set[str] = field(default_factory=set)  # their URLs

    def must_ask(self, url: str, view: RequestView) -> bool:
        """Whether the server at `url` is to be asked for counts that the client does not want."""
        return (
            view.stream
            and not view.include_usage
            and isinstance(view.request, GenerationRequest)
            and url not in self._refusing
        )

    def is_refused(self, url: str, status: int, body: bytes) -> bool:
        """Whether the server refuses to be asked; then it is not asked again."""
        if status not in (400, 422) or b"stream_options" not in body:
            return False
        self._refusing.add(url)
        return True


def asking(body: bytes, request: GenerationRequest) -> bytes:
    """The body of a stream's request with the wish for token counts."""
    if request.stream_options is not None:  # some servers take no key twice
        fields = _fields.decode(body)
        options = msgspec.json.decode(fields["stream_options"], type=dict[str, msgspec.Raw])
        options["include_usage"] = msgspec.Raw(b"true")
        fields["stream_options"] = msgspec.Raw(msgspec.json.encode(options))
        return msgspec.json.encode(fields)
    return body.rstrip()[:-1] + b"," + _ASKED + b"}"


def noted(journey: Journey, events: bytes) -> bytes:
    """Whole events of a stream as its client wants them; they and the token counts in them are noted."""
    journey.events += events.count(b"\n\n") or 1
    if _KEY not in events:
        return events
    plain = events.replace(_NO_COUNTS_YET, b"")
    if _KEY not in plain:
        return plain if journey.hides_usage else events
    if _COUNTS.search(plain):
        journey.usage = usage_of(plain) or journey.usage
    return without_counts(plain) if journey.hides_usage else events


def without_counts(events: bytes) -> bytes:
    """Whole events as they would be had nobody asked for token counts."""
    events = events.replace(_NO_COUNTS_YET, b"")
    if _KEY not in events:
        return events
    return b"".join([_without_counts(event) for event in sse.EventSplitter().feed(events)])


def usage_at_end(journey: Journey, view: RequestView, outcome: Outcome, *, size_bytes: int) -> Usage | None:
    """What a call has used when it ends: as the engine told, else estimated from what is known.

    None where nothing was used, or nobody can tell.
    """
    told = journey.usage
    is_short = outcome is Outcome.CANCELLED or bool(journey.events)
    if told is not None or journey.sent_s is None or not is_short:
        return told
    prompt_tokens = _text_bytes(view, size_bytes) // _BYTES_PER_TOKEN
    return Usage(prompt_tokens, journey.events, is_estimate=True)


def _without_counts(event: bytes) -> bytes:
    data = sse.data_of(event)
    if data is None or _KEY not in data:
        return event
    chunk = _fields.decode(data)
    counts = chunk.pop("usage", None)
    if counts is None:  # a part of it has such a key
        return event
    if bytes(counts) != b"null" and not msgspec.json.decode(chunk.get("choices", b"[]")):
        return b""
    return sse.encode(msgspec.json.encode(chunk))


def _text_bytes(view: RequestView, size_bytes: int) -> int:
    """What an image weighs says nothing of its tokens."""
    if Feature.VISION not in view.needs or not isinstance(view.request, ChatRequest):
        return size_bytes
    contents = [message.content for message in view.request.messages]
    parts = [part for content in contents if isinstance(content, list) for part in content]
    texts = [text for text in contents if isinstance(text, str)] + [part.text or "" for part in parts]
    return sum(map(len, texts))
