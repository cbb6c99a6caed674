"""Multipart forms: what is read from them, and what hostile ones get."""

import asyncio
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polychat.errors import RequestError, UnsupportedMediaType
from polychat.gateway.forms import MAX_HEADER_BYTES, fields_of

TYPE = 'multipart/form-data; boundary="xyz"'


def part(name: str, value: bytes, *, filename: str = "") -> bytes:
    file = f'; filename="{filename}"' if filename else ""
    head = f'--xyz\r\ncontent-disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + value + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--xyz--\r\n"


def read(body: bytes, content_type: str = TYPE) -> dict[str, object]:
    fields: dict[str, object] = json.loads(asyncio.run(fields_of(body, content_type)))
    return fields


def test_texts_and_the_names_of_files_are_read() -> None:
    body = form(part("model", b"ears"), part("file", b"\xff" * 100_000, filename="a.wav"))
    assert read(body) == {"model": "ears", "file": "a.wav"}


def test_numbers_and_booleans_are_what_their_field_says() -> None:
    fields = [("temperature", b"0.5"), ("stream", b"True"), ("n", b"x"), ("prompt", b"1")]
    read_fields = read(form(*(part(name, value) for name, value in fields)))
    assert read_fields == {"temperature": 0.5, "stream": True, "n": "x", "prompt": "1"}


def test_a_repeated_name_becomes_a_list() -> None:
    body = form(part("a[]", b"1"), part("b", b"2"), part("b", b"3"))
    assert read(body) == {"a": ["1"], "b": ["2", "3"]}


def test_a_form_is_read_however_its_boundary_falls() -> None:
    for size in range(256 * 1024 - 200, 256 * 1024 + 5):
        body = form(part("file", b"\r" * size, filename="f"), part("model", b"m"))
        assert read(body)["model"] == "m"


@given(st.dictionaries(st.text(st.characters(categories=["L", "N"]), min_size=1), st.text(), max_size=5))
def test_what_is_written_is_read(fields: dict[str, str]) -> None:
    for name in {"n", "output_compression", "partial_images", "stream", "temperature"} & fields.keys():
        del fields[name]
    assert read(form(*(part(name, value.encode()) for name, value in fields.items()))) == fields


HOSTILE = {
    "nothing": b"",
    "no boundary in it": b"model=ears",
    "cut off": part("model", b"ears"),
    "half a header": b"--xyz\r\ncontent-dispos",
    "no name": b"--xyz\r\ncontent-disposition: form-data\r\n\r\nx\r\n--xyz--\r\n",
    "no disposition": b"--xyz\r\n\r\nx\r\n--xyz--\r\n",
    "a name that is not UTF-8": form(part("model", b"x").replace(b"model", b"mo\xffdel")),
    "a text that is not UTF-8": form(part("model", b"\xff")),
    "a header that never ends": b"--xyz\r\nx: " + b"y" * 2_000_000,
    "a header's name that never ends": b"--xyz\r\n" + b"y" * 2_000_000,
    "many headers": b"--xyz\r\n" + b"x: y\r\n" * MAX_HEADER_BYTES,
    "100,000 parts": form(*[part("model", b"x")] * 100_000),
    "a long text": form(part("prompt", b"x" * 2_000_000)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_form_is_refused_at_once(name: str) -> None:
    started_s = time.monotonic()
    with pytest.raises(RequestError) as refusal:
        read(HOSTILE[name])
    assert refusal.value.status == 400
    assert time.monotonic() - started_s < 2


@pytest.mark.parametrize("options", ["", "; boundary=", "; boundary=" + "x" * 71, "; boundary"])
def test_a_form_needs_a_boundary(options: str) -> None:
    with pytest.raises(RequestError, match="boundary"):
        read(b"", "multipart/form-data" + options)


@pytest.mark.parametrize("media_type", ["", "application/json", "text/plain; boundary=xyz"])
def test_what_is_no_form_is_415(media_type: str) -> None:
    with pytest.raises(UnsupportedMediaType, match="multipart/form-data"):
        read(form(part("model", b"ears")), media_type)
