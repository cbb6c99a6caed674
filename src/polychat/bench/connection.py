"""A client that costs little beside the servers it measures: one connection, one request at a time."""

import asyncio
import json
import re
from typing import Any

import httptools

from polychat.bench.sample import Sample

_SAYS = re.compile(rb'"(?:content|text|reasoning|reasoning_content|arguments)"\s*:\s*"[^"]')
_USAGE = re.compile(rb'"usage"\s*:\s*(\{)')
_DONE = re.compile(rb"data: ?\[DONE\]")
_ERROR = re.compile(rb'data: ?\{"error"')
_TAIL_BYTES = 4096
_MAX_ERROR = 120  # characters
_decode = json.JSONDecoder().raw_decode


class Exchange(asyncio.Protocol):
    """One connection, kept from request to request."""

    def __init__(self) -> None:
        self.is_open = False
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[None] | None = None
        self._sample = Sample()
        self._reset()

    def _reset(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._is_stream = False
        self._keeps_text = False
        self._pieces: list[bytes] = []
        self._tail = b""
        self._sent_s = self.heard_s = self._last_s = 0.0
        self._num_events = 0

    async def ask(self, request: bytes, sample: Sample, *, keeps_text: bool = False) -> None:
        """Send `request` and fill in `sample`. Leaves the connection open if another one may follow."""
        assert self._transport is not None
        self._reset()
        self._sample, self._keeps_text = sample, keeps_text
        self._done = self._loop.create_future()
        self._sent_s = self.heard_s = self._loop.time()
        self._transport.write(request)
        try:
            await self._done
        finally:
            if not self._done.done() or sample.error:
                self.close()
            self._done = None

    def fail(self, error: str) -> None:
        """End the request that runs, because of `error`."""
        if self._done is not None and not self._done.done():
            self._sample.error = error
            self._sample.e2e_s = self._loop.time() - self._sent_s
            self._done.set_result(None)

    def close(self) -> None:
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()

    # asyncio calls these.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # TCP and TLS only
        self._transport, self.is_open = transport, True

    def data_received(self, data: bytes) -> None:
        self.heard_s = self._loop.time()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as exc:
            self.fail(f"not HTTP: {exc}")

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        self.fail("the connection was closed before the answer's end")

    # httptools calls these.
    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"content-type":
            self._is_stream = value.startswith(b"text/event-stream")

    def on_body(self, data: bytes) -> None:
        if not self._is_stream:
            self._pieces.append(data)
            return
        self._tail = (self._tail + data)[-_TAIL_BYTES:]
        if self._keeps_text:
            self._pieces.append(data)
        self._num_events += data.count(b"data: {")
        sample = self._sample
        if sample.ttft_s is None:
            if not _SAYS.search(data):
                return
            sample.ttft_s = self.heard_s - self._sent_s
        elif _SAYS.search(data):
            sample.gaps_s.append(self.heard_s - self._last_s)
        self._last_s = self.heard_s

    def on_message_complete(self) -> None:
        sample, status = self._sample, self._parser.get_status_code()
        sample.e2e_s = self._loop.time() - self._sent_s
        body = b"".join(self._pieces)
        if status != 200:
            sample.error = f"status {status}{_reason(body)}"
        elif self._is_stream:
            self._end_stream(sample, body)
        else:
            _take_usage(sample, body)
        if not self._parser.should_keep_alive():
            self.close()
        if self._done is not None and not self._done.done():
            self._done.set_result(None)

    def _end_stream(self, sample: Sample, body: bytes) -> None:
        if _ERROR.search(self._tail):
            told = self._tail[self._tail.rfind(b'{"error"') :]
            sample.error = f"an error in mid-stream{_reason(told)}"
        elif not _DONE.search(self._tail):
            sample.error = "the stream ended without [DONE]"
        _take_usage(sample, self._tail)
        if not sample.output_tokens and sample.ttft_s is not None:
            sample.output_tokens, sample.is_estimate = self._num_events, True
        if not (sample.error or sample.ttft_s):
            sample.error = "an answer without a token"
        if self._keeps_text:
            sample.text = _text_of(body)


def _take_usage(sample: Sample, data: bytes) -> None:
    found = None
    for found in _USAGE.finditer(data):  # noqa: B007 - the last one counts
        pass
    if found is None:
        return
    try:
        counts, _ = _decode(data[found.start(1) :].decode(errors="replace"))
    except ValueError:
        return
    sample.prompt_tokens = int(counts.get("prompt_tokens") or 0)
    sample.output_tokens = int(counts.get("completion_tokens") or 0)
    sample.cached_tokens = int((counts.get("prompt_tokens_details") or {}).get("cached_tokens") or 0)


def _reason(body: bytes) -> str:
    """The words of an error's answer, or of an error event."""
    try:
        error, _ = _decode(body.decode(errors="replace").strip())
        error = error.get("error", error)
        said = error.get("code") or error.get("message") if isinstance(error, dict) else error
    except (ValueError, AttributeError):
        return ""
    return f": {str(said)[:_MAX_ERROR]}" if said else ""


def _text_of(stream: bytes) -> str:
    """What a chat's or a completion's events say."""
    parts = []
    for line in stream.split(b"\n"):
        if line.startswith(b"data: {"):
            try:
                parts.append(_said(json.loads(line[6:])))
            except ValueError:
                continue
    return "".join(parts)


def _said(event: dict[str, Any]) -> str:  # Any: decoded JSON
    choices = event.get("choices") or [{}]
    return str((choices[0].get("delta") or {}).get("content") or choices[0].get("text") or "")
