"""Images in a chat, made ready for an engine: data URLs are checked, others fetched and put in as data URLs.

Engines would fetch from wherever a client says, within their own network too, and read files.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

import msgspec

from polychat.errors import RequestError
from polychat.gateway.image_data import check_data_url
from polychat.gateway.image_fetch import ImageFetcher
from polychat.schema import Request
from polychat.schema.chat import ChatRequest
from polychat.schema.messages import ImageUrl
from polychat.schema.tokenize import TokenizeRequest

MAX_FETCHED = 16  # images of one request


class Images:
    """Makes the images of requests ready."""

    def __init__(self, fetcher: ImageFetcher) -> None:
        self._fetcher = fetcher

    async def inlined(self, body: bytes, request: Request | None) -> bytes:
        """The body with every image in it; the same bytes when nothing was fetched. Sets `request` too.

        Raises:
            RequestError: an image is none, or may not be fetched.
        """
        if not isinstance(request, ChatRequest | TokenizeRequest):
            return body
        remote = []
        for place in _places(request):
            if place.url[:5].lower() == "data:":
                check_data_url(place.url, place.param)
            else:
                remote.append(place)
        if len(remote) > MAX_FETCHED:
            raise RequestError(
                f"'messages' has {len(remote)} images to fetch; at most {MAX_FETCHED} are.", param="messages"
            )
        return await self._with_fetched(body, remote) if remote else body

    async def _with_fetched(self, body: bytes, remote: "list[_Place]") -> bytes:
        fetched = await self._fetched(remote)
        document: dict[str, Any] = msgspec.json.decode(body)  # Any: decoded JSON, whose form was checked
        for place, url in zip(remote, fetched, strict=True):
            part = document["messages"][place.message]["content"][place.part]
            part["image_url"]["url"] = place.image.url = url
        return msgspec.json.encode(document)

    async def _fetched(self, remote: "list[_Place]") -> list[str]:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._fetcher.fetch(place.url, place.param)) for place in remote]
        except* RequestError as failed:
            raise failed.exceptions[0] from None
        return [task.result() for task in tasks]


class _Place(msgspec.Struct):
    """Where one image stands."""

    message: int
    part: int
    image: ImageUrl

    @property
    def url(self) -> str:
        return self.image.url

    @property
    def param(self) -> str:
        return f"messages[{self.message}].content[{self.part}].image_url.url"


def _places(request: ChatRequest | TokenizeRequest) -> Iterator[_Place]:
    for index, message in enumerate(request.messages or ()):
        parts = message.content if isinstance(message.content, list) else []
        for at, part in enumerate(parts):
            if part.image_url is not None:
                yield _Place(index, at, part.image_url)
