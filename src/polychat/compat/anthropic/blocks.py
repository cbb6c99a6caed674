"""The content of Anthropic's messages, typed: blocks of text, images, documents, thinking and tools."""

from typing import Literal

import msgspec

from polychat.schema.generation import Free, NonEmpty

IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_PLACES = {  # the blocks that each role may send
    "user": ("text", "image", "document", "search_result", "tool_result"),
    "assistant": ("text", "thinking", "redacted_thinking", "tool_use"),
    "system": ("text",),
}


class Block(msgspec.Struct, tag_field="type"):
    """One block. `cache_control`, `citations` and whatever else it may carry have no meaning here."""

    @property
    def kind(self) -> str:
        return str(self.__struct_config__.tag)


class Text(Block, tag="text"):
    text: str


class Source(msgspec.Struct):
    """Where an image or a document is."""

    type: str
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    content: str | list[Text] | None = None


class Image(Block, tag="image"):
    source: Source

    def __post_init__(self) -> None:
        source = self.source
        is_inline = source.type == "base64" and source.data is not None and source.media_type in IMAGE_TYPES
        if not is_inline and not (source.type == "url" and source.url):
            kinds = ", ".join(IMAGE_TYPES)
            raise ValueError(
                f"[source] must be of type 'url' with a 'url', or of type 'base64' with 'data' and one of "
                f"these for 'media_type': {kinds}"
            )

    @property
    def url(self) -> str:
        """Its address; one that holds the image itself if it came with the request."""
        return self.source.url or f"data:{self.source.media_type};base64,{self.source.data}"


class Document(Block, tag="document"):
    source: Source
    title: str | None = None
    context: str | None = None

    def __post_init__(self) -> None:
        given = {"text": self.source.data, "content": self.source.content}.get(self.source.type)
        if given is None:
            raise ValueError(
                "[source] must be of type 'text' with 'data', or of type 'content' with text as 'content': "
                "PDFs and uploaded files cannot be read here"
            )

    @property
    def text(self) -> str:
        return joined(self.title, self.context, self.source.data, said(self.source.content))


class SearchResult(Block, tag="search_result"):
    content: list[Text]
    source: str
    title: str

    @property
    def text(self) -> str:
        return joined(self.title, self.source, said(self.content))


class ToolUse(Block, tag="tool_use"):
    id: NonEmpty
    name: NonEmpty
    input: Free


ResultBlock = Text | Image | Document | SearchResult


class ToolResult(Block, tag="tool_result"):
    tool_use_id: NonEmpty
    content: str | list[ResultBlock] | None = None
    is_error: bool | None = None


class Thinking(Block, tag="thinking"):
    thinking: str


class RedactedThinking(Block, tag="redacted_thinking"):
    """Encrypted by those who wrote it: nobody here can read it."""


AnyBlock = ResultBlock | ToolUse | ToolResult | Thinking | RedactedThinking


class Message(msgspec.Struct):
    role: Literal["user", "assistant", "system"]
    content: str | list[AnyBlock]

    def __post_init__(self) -> None:
        for block in self.blocks:
            if block.kind not in _PLACES[self.role]:
                allowed = ", ".join(repr(kind) for kind in _PLACES[self.role])
                raise ValueError(
                    f"[content] of role '{self.role}' must hold blocks of type {allowed}, not '{block.kind}'"
                )

    @property
    def blocks(self) -> list[AnyBlock]:
        return [Text(self.content)] if isinstance(self.content, str) else self.content


def said(content: str | list[Text] | None) -> str:
    """The text of what may be given as a string or in blocks."""
    if isinstance(content, list):
        return joined(*(block.text for block in content))
    return content or ""


def joined(*texts: str | None) -> str:
    """The texts that say something, each on lines of its own."""
    return "\n".join(text for text in texts if text)
