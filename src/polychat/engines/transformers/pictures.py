"""Pictures in chats, read by the model's own processor."""

import base64
import binascii
import io
from collections.abc import Mapping, Sequence
from typing import Any

import jinja2
from PIL import Image, UnidentifiedImageError
from transformers import ProcessorMixin

from polychat.engines.transformers.asking import Prompt
from polychat.engines.transformers.job import Media
from polychat.errors import RequestError

_MOST_PIXELS = 50_000_000
_NOT_MEDIA = ("input_ids", "attention_mask")
Message = Mapping[str, Any]  # Any: as chat templates read them


class Pictures:
    """The processor of a vision-language model."""

    def __init__(self, processor: ProcessorMixin, template: str) -> None:
        self._processor = processor
        self._template = template

    def prompt(
        self, messages: Sequence[Message], tools: Sequence[Message], more: Mapping[str, Any]
    ) -> Prompt:
        """The prompt of a chat with pictures.

        Raises:
            RequestError: a picture cannot be read, or the template refuses the messages.
        """
        seen = [_loaded(message) for message in messages]
        try:
            read = self._processor.apply_chat_template(
                seen,
                tools=list(tools) or None,
                chat_template=self._template,
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
                **more,
            )
        except (jinja2.TemplateError, TypeError, ValueError, KeyError) as exc:
            raise RequestError(
                f"The model's processor refuses these messages: {exc}", param="messages"
            ) from exc
        tensors = {name: value for name, value in read.items() if name not in _NOT_MEDIA}
        return Prompt(tuple(read["input_ids"][0].tolist()), media=Media(tensors))


def _loaded(message: Message) -> dict[str, Any]:
    content = message["content"]
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    parts = [
        {"type": "image", "image": _image(part["url"])} if part["type"] == "image" else part
        for part in content
    ]
    return {**message, "content": parts}


def _image(url: str) -> Image.Image:
    """A picture of a data URL; others the gateway has fetched."""
    head, comma, data = url.partition(",")
    if not (head.startswith("data:") and head.endswith(";base64") and comma):
        raise RequestError("A picture must be a data URL with base64.", param="messages")
    try:
        image = Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
        if image.width * image.height > _MOST_PIXELS:
            raise RequestError(f"A picture has more than {_MOST_PIXELS} pixels.", param="messages")
        return image.convert("RGB")
    except (binascii.Error, UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as exc:
        raise RequestError(f"A picture cannot be read: {exc}.", param="messages") from exc
