"""One async client of the API that `polychat api` serves: for the page, the terminal, our programs.

What goes wrong becomes an `ApiError`: what the server said, or what is wrong on the way to it and the fix.
"""

import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import msgspec

from polychat import sse, wire
from polychat.client.words import (
    AnswerCutOff,
    ApiError,
    ApiUnreachable,
    Delta,
    Message,
    ModelCard,
    SamplingOptions,
    Usage,
)
from polychat.errors import SetupError
from polychat.listen import is_loopback
from polychat.tls import only, trusted

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 600.0


class Client:
    """A client of one API. Use it in one event loop; it keeps connections, so close it."""

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str = "",
        transport: httpx.AsyncBaseTransport | None = None,
        api_cert: Path | None = None,
    ) -> None:
        """`base_url` is taken with or without "http://" and "/v1"; `transport` replaces the network;
        `api_cert`: trust a server that shows this very certificate, and no other.

        Raises:
            SetupError: `base_url` is not a web address, or the key cannot be sent.
        """
        self.base_url = normal_url(base_url)
        if not api_key.isascii() or not api_key.isprintable():
            raise SetupError(
                "the API key holds characters that cannot be sent; give it with --api-key as it was issued"
            )
        self._api_cert = api_cert
        self._http = httpx.AsyncClient(
            headers={"authorization": f"Bearer {api_key}"} if api_key else {},
            timeout=httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
            # A company's proxy cannot reach this machine's loopback.
            trust_env=not is_loopback(httpx.URL(self.base_url).host),
            transport=transport,
            verify=only(api_cert) if api_cert else trusted() if self.base_url.startswith("https:") else False,
        )

    def as_somebody(self, api_key: str) -> "Client":
        """A client of the same API with another key."""
        return Client(self.base_url, api_key=api_key, api_cert=self._api_cert)

    async def models(self) -> list[ModelCard]:
        """Every name that the API answers to, in its order."""
        with self._boundary():
            response = await self._http.get(f"{self.base_url}/v1/models", timeout=10.0)
            self._raise_for_status(response)
            return [
                ModelCard(item.id, item.root or item.id, item.max_model_len)
                for item in msgspec.json.decode(response.content, type=wire.ModelList).data
            ]

    async def stream_chat(
        self, *, model: str, messages: Sequence[Message], options: SamplingOptions
    ) -> AsyncGenerator[Delta, None]:
        """The answer, piece by piece. Closing the iterator closes the connection, which stops the engine.

        Raises:
            ApiError: refused, broken on the way, or ended without a finish_reason (`AnswerCutOff`).
        """
        body = _body(model, messages, options)
        is_finished = False
        with self._boundary():
            async with self._http.stream(
                "POST",
                f"{self.base_url}/v1/chat/completions",
                content=body,
                headers={"content-type": "application/json", "accept": "text/event-stream"},
            ) as response:
                if response.is_error:
                    await response.aread()
                self._raise_for_status(response)
                async for data in _events(response):
                    delta = _delta(msgspec.json.decode(data, type=wire.Chunk))
                    is_finished = is_finished or delta.finish_reason is not None
                    yield delta
        if not is_finished:
            raise AnswerCutOff("the stream ended before the model had finished")

    async def aclose(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    @contextmanager
    def _boundary(self) -> Iterator[None]:
        """Where httpx's and msgspec's exceptions become ours."""
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout) as exc:
            raise ApiUnreachable(self.base_url, _why(exc)) from exc
        except httpx.TimeoutException as exc:
            raise ApiError(
                f"{self.base_url} took the request but did not answer in time.",
                status=504,
                code="api_timeout",
            ) from exc
        except httpx.TransportError as exc:
            raise AnswerCutOff(f"the connection to {self.base_url} broke ({_why(exc)})") from exc
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise ApiError(
                f"{self.base_url} answers, but not as an OpenAI-compatible API. Check the address."
            ) from exc

    def _raise_for_status(self, response: httpx.Response) -> None:
        """Raise what an unsuccessful response says. Its body must have been read."""
        if response.is_success:
            return
        error = _error_of(response.content)
        raise ApiError(
            error.message
            or f"{self.base_url} answered HTTP {response.status_code} {response.reason_phrase}.",
            status=response.status_code,
            code=_code(error),
            retry_after_s=_seconds(response.headers.get("retry-after", "")),
        )


def normal_url(base_url: str) -> str:
    """`base_url` with a scheme and without "/v1".

    Raises:
        SetupError: it is not a web address.
    """
    text = base_url.strip()
    if "://" not in text:
        text = f"http://{text}"
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as exc:
        raise SetupError(
            f"{base_url!r} is not a web address: {exc}; write it like http://127.0.0.1:8000"
        ) from exc
    if url.scheme not in ("http", "https") or not url.host:
        raise SetupError(f"{base_url!r} is not a web address; write it like http://127.0.0.1:8000")
    return text.rstrip("/").removesuffix("/v1").rstrip("/")


def _body(model: str, messages: Sequence[Message], options: SamplingOptions) -> bytes:
    sampling = {name: value for name, value in asdict(options).items() if value is not None}
    return msgspec.json.encode(
        {
            "model": model,
            "messages": messages,
            "stream": True,
            "stream_options": {"include_usage": True},
            **sampling,
        }
    )


async def _events(response: httpx.Response) -> AsyncIterator[bytes]:
    """The data of each event up to "[DONE]"."""
    splitter = sse.EventSplitter()
    async for part in response.aiter_bytes():
        for event in splitter.feed(part):
            data = sse.data_of(event)
            if data == b"[DONE]":
                return
            if data is not None:
                yield data


def _delta(chunk: wire.Chunk) -> Delta:
    if chunk.error is not None:
        raise ApiError(
            chunk.error.message or "The API sent an error without a message.", code=_code(chunk.error)
        )
    usage = Usage(chunk.usage.prompt_tokens, chunk.usage.completion_tokens) if chunk.usage else None
    if not chunk.choices:
        return Delta("", None, usage=usage)
    choice = chunk.choices[0]
    reasoning = choice.delta.reasoning_content or choice.delta.reasoning or ""
    return Delta(choice.delta.content or "", choice.finish_reason, reasoning, usage)


def _error_of(body: bytes) -> wire.Error:
    """The error that an unsuccessful body holds; an empty one if it is not in OpenAI's envelope."""
    try:
        return msgspec.json.decode(body, type=wire.ErrorBody).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return wire.Error()


def _code(error: wire.Error) -> str | None:
    return None if error.code is None else str(error.code)


def _seconds(retry_after: str) -> float | None:
    """RFC 9110 also allows a date there, which no server of ours sends."""
    return float(retry_after) if retry_after.isdigit() else None


def _why(exc: BaseException) -> str:
    """What the system said at the bottom of it: httpx tells only that "all connection attempts failed"."""
    while exc.__cause__ or exc.__context__:
        exc = exc.__cause__ or exc.__context__ or exc
    if isinstance(exc, TimeoutError):
        return "no connection in time"
    if isinstance(exc, OSError) and exc.errno and exc.strerror:
        # A resolver's numbers are negative, and only it puts its reason into words itself.
        return (os.strerror(exc.errno) if exc.errno > 0 else exc.strerror).lower()
    return (str(exc) or type(exc).__name__).lower().rstrip(".")
