"""One model at one endpoint: sends requests, and reads whole answers and streams."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx
import msgspec

from polychat import sse
from polychat.conformance.departure import Departure, Json, Said, at, equal, require
from polychat.types import Endpoint

TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def json(self) -> Json:
        try:
            return json.loads(self.body)
        except ValueError:
            raise Departure("JSON", Said(f"status {self.status} with {self.body[:100]!r}")) from None

    def ok(self) -> Json:
        """The JSON of a success; a Departure for anything else."""
        if self.status != 200:
            raise Departure(
                "status 200", Said(f"{self.status} with {self.body[:160].decode(errors='replace')}")
            )
        return self.json


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream."""

    name: str
    data: Json


@dataclass(slots=True)
class Target:
    """A model at an endpoint. `card`: what /v1/models/{id} says of it, {} if nothing."""

    http: httpx.AsyncClient
    base_url: str  # without "/v1"
    model: str
    card: Mapping[str, Json] = field(default_factory=dict)
    is_polychat: bool = False
    probed: dict[str, Reply] = field(default_factory=dict)  # see applies.py

    async def get(self, path: str) -> Reply:
        return await self.send("GET", path)

    async def post(self, path: str, body: Json) -> Reply:
        """`body`: JSON, or bytes to be sent as they are."""
        return await self.send("POST", path, body)

    async def send(
        self, method: str, path: str, body: Json = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        content = body if isinstance(body, bytes) or body is None else msgspec.json.encode(body)
        sent = {"content-type": "application/json", **(headers or {})} if content is not None else headers
        try:
            answer = await self.http.request(method, self.base_url + path, content=content, headers=sent)
        except httpx.HTTPError as exc:
            raise Departure("an answer", Said(f"{type(exc).__name__} {exc}".strip())) from exc
        return Reply(answer.status_code, answer.headers, answer.content)

    async def events(self, path: str, body: Json, headers: Mapping[str, str] | None = None) -> list[Event]:
        """Every event of a streamed answer, "[DONE]" as the string."""
        reply = await self.send("POST", path, body, headers)
        if reply.status != 200:
            reply.ok()
        kind = reply.headers.get("content-type", "")
        require(kind.startswith("text/event-stream"), "content type text/event-stream", kind)
        require(
            reply.body.endswith((b"\n\n", b"\r\n\r\n")),
            "a stream that ends with a whole event",
            reply.body[-80:],
        )
        return [event for raw in sse.EventSplitter().feed(reply.body) if (event := _event(raw)) is not None]

    # ---- the two routes that most scenarios use

    def chat_body(self, text: str = "Tell me a long story about a dog.", **fields: Json) -> dict[str, Json]:
        """A chat request with one user message, greedy and short; None leaves a field out."""
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": text}],
            "temperature": 0,
            "max_tokens": 24,
            **fields,
        }
        return {name: value for name, value in body.items() if value is not None}

    async def chat(self, text: str = "Tell me a long story about a dog.", **fields: Json) -> Json:
        return (await self.post(Endpoint.CHAT, self.chat_body(text, **fields))).ok()

    async def chat_chunks(
        self, text: str = "Tell me a long story about a dog.", **fields: Json
    ) -> list[Json]:
        """The chunks of a streamed chat without the closing [DONE], which must be there."""
        return await self._chunks(Endpoint.CHAT, self.chat_body(text, stream=True, **fields))

    def completion_body(self, prompt: Json = "Once upon a time", **fields: Json) -> dict[str, Json]:
        """A completion request, greedy and short; None leaves a field out."""
        body = {"model": self.model, "prompt": prompt, "temperature": 0, "max_tokens": 12, **fields}
        return {name: value for name, value in body.items() if value is not None}

    async def complete(self, prompt: Json = "Once upon a time", **fields: Json) -> Json:
        return (await self.post(Endpoint.COMPLETIONS, self.completion_body(prompt, **fields))).ok()

    async def completion_chunks(self, prompt: Json = "Once upon a time", **fields: Json) -> list[Json]:
        return await self._chunks(Endpoint.COMPLETIONS, self.completion_body(prompt, stream=True, **fields))

    async def _chunks(self, path: str, body: Json) -> list[Json]:
        documents = [event.data for event in await self.events(path, body)]
        require(documents and documents[-1] == "[DONE]", "'data: [DONE]' at the end", documents[-1:])
        return documents[:-1]

    async def refused(
        self, path: str, body: Json, *, status: int = 400, param: str | None = None, code: str | None = None
    ) -> Json:
        """The error with which the endpoint must answer. `param`: the field it must name, or one within."""
        error = error_of(await self.post(path, body), status)
        if param is not None:
            named = str(error["param"])
            is_named = named == param or named.startswith((f"{param}.", f"{param}["))
            require(is_named, f"param {param!r}", error["param"])
        if code is not None:
            equal(error["code"], code, "code")
        return error


def error_of(reply: Reply, status: int) -> Json:
    """The `error` object of a refusal with that status, in OpenAI's envelope."""
    got = Said(f"{reply.status} with {reply.body[:120].decode(errors='replace')}")
    require(reply.status == status, f"status {status}", got)
    kind = reply.headers.get("content-type", "")
    require(kind.startswith("application/json"), "content type application/json", kind)
    error = at(reply.json, "error")
    require(isinstance(error, dict), "'error' to be an object", error)
    require(isinstance(error.get("message"), str) and error["message"], "a message in the error", error)
    require(isinstance(error.get("type"), str), "a type in the error", error)
    require("param" in error and "code" in error, "'param' and 'code' in the error", error)
    return error


def _event(raw: bytes) -> Event | None:
    data = sse.data_of(raw)
    if data is None:
        return None
    names = [line[6:].strip().decode() for line in raw.split(b"\n") if line.startswith(b"event:")]
    if data == b"[DONE]":
        return Event("", "[DONE]")
    try:
        return Event(names[-1] if names else "", json.loads(data))
    except ValueError:
        raise Departure("JSON in each event", Said(repr(data[:100]))) from None
