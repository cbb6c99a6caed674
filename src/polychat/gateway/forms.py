"""Reads the fields of a multipart form, for checking only: the form itself goes to the engine as it came.

Source: RFC 7578 for forms, RFC 2046 §5.1.1 for boundaries.
"""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from polychat.errors import RequestError, UnsupportedMediaType

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_PARTS = 100
MAX_HEADER_BYTES = 16 * 1024  # of one part
MAX_TEXT_BYTES = 1024 * 1024  # of all fields that are no files
MAX_BOUNDARY_CHARACTERS = 70
_SLICE_BYTES = 256 * 1024  # parsed in one go; other requests come in between
_NUMBERS = frozenset({"n", "output_compression", "partial_images", "stream", "temperature"})
"""Fields whose text is JSON: a number, true or false."""

Fields = dict[str, object]


async def fields_of(body: bytes, content_type: str) -> bytes:
    """The form's fields as a JSON object: a text, a file's name, or a list of these where a name is repeated.

    Raises:
        UnsupportedMediaType: it is no form.
        RequestError: it cannot be read.
    """
    reader = _Reader()
    try:
        parser = MultipartParser(_boundary_of(content_type), reader.callbacks())
        for start in range(0, len(body), _SLICE_BYTES):
            parser.write(body[start : start + _SLICE_BYTES])
            await asyncio.sleep(0)
        fields = reader.fields()
    except FormParserError as exc:
        raise RequestError(f"The form cannot be read: {exc}.") from exc
    except UnicodeDecodeError as exc:
        raise RequestError("The form cannot be read: a name or a text in it is not UTF-8.") from exc
    return msgspec.json.encode(fields)


def _boundary_of(content_type: str) -> bytes:
    media_type, options = parse_options_header(content_type)
    if media_type != b"multipart/form-data":
        raise UnsupportedMediaType(content_type.partition(";")[0].strip(), wanted="multipart/form-data")
    boundary = options.get(b"boundary", b"")
    if not 1 <= len(boundary) <= MAX_BOUNDARY_CHARACTERS:
        raise RequestError(
            "The content type multipart/form-data needs a boundary of 1 to 70 characters; "
            "an HTTP library sets it when the header is left to it."
        )
    return boundary


@dataclass(slots=True)
class _Part:
    kind: bytes = b""
    options: dict[bytes, bytes] = field(default_factory=dict)  # name and, of a file, filename
    size_bytes: int = 0  # of the headers
    text: bytes = b""  # of a field that is no file

    def name_and_value(self) -> tuple[str, str]:
        name = self.options.get(b"name")
        if self.kind != b"form-data" or not name:
            raise FormParserError("a part has no name")
        return name.decode(), self.options.get(b"filename", self.text).decode()


class _Reader:
    """Collects what a parser finds."""

    def __init__(self) -> None:
        self._parts: list[_Part] = []
        self._name = self._value = b""  # of the header that is being read
        self._text_bytes = 0
        self._is_whole = False

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._take_name,
            "on_header_value": self._take_value,
            "on_header_end": self._end_header,
            "on_part_data": self._take_data,
            "on_end": self._end,
        }

    def fields(self) -> Fields:
        if not self._is_whole:
            raise FormParserError("it ends too early")
        fields: Fields = {}
        for part in self._parts:
            name, text = part.name_and_value()
            is_list, name = name.endswith("[]"), name.removesuffix("[]")
            value = _typed(name, text)
            if name in fields:
                earlier = fields[name]
                fields[name] = [*(earlier if isinstance(earlier, list) else [earlier]), value]
            else:
                fields[name] = [value] if is_list else value
        return fields

    def _begin(self) -> None:
        if len(self._parts) == MAX_PARTS:
            raise FormParserError(f"it has more than {MAX_PARTS} parts")
        self._parts.append(_Part())

    def _take_name(self, data: bytes, start: int, end: int) -> None:
        self._name += self._counted(data[start:end])

    def _take_value(self, data: bytes, start: int, end: int) -> None:
        self._value += self._counted(data[start:end])

    def _end_header(self) -> None:
        if self._name.lower() == b"content-disposition":
            part = self._parts[-1]
            part.kind, part.options = parse_options_header(self._value)
        self._name = self._value = b""

    def _take_data(self, data: bytes, start: int, end: int) -> None:
        part = self._parts[-1]
        if b"filename" in part.options:
            return
        self._text_bytes += end - start
        if self._text_bytes > MAX_TEXT_BYTES:
            raise FormParserError(f"its texts have more than {MAX_TEXT_BYTES} bytes")
        part.text += data[start:end]

    def _end(self) -> None:
        self._is_whole = True

    def _counted(self, data: bytes) -> bytes:
        part = self._parts[-1]
        part.size_bytes += len(data)
        if part.size_bytes > MAX_HEADER_BYTES:
            raise FormParserError(f"a part has more than {MAX_HEADER_BYTES} bytes of headers")
        return data


def _typed(name: str, text: str) -> object:
    """A field's value as JSON has it, where it is no text."""
    if name not in _NUMBERS:
        return text
    try:
        value: object = msgspec.json.decode(text.lower())
    except msgspec.DecodeError:
        return text
    return value if isinstance(value, bool | int | float) else text
