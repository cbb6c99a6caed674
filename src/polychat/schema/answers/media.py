"""Audio and images: the answers in JSON. Engines add more."""

import msgspec


class Transcript(msgspec.Struct):
    text: str


class Image(msgspec.Struct):
    b64_json: str | None = None
    url: str | None = None
    revised_prompt: str | None = None


class ImageList(msgspec.Struct):
    created: int
    data: list[Image]
