import base64

import pytest

from polychat.errors import RequestError
from polychat.gateway.image_data import MAX_IMAGE_BYTES, check_data_url, data_url, kind_of

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 8
IMAGES = {
    "image/png": PNG,
    "image/jpeg": b"\xff\xd8\xff\xe0" + b"\0" * 8,
    "image/gif": b"GIF89a" + b"\0" * 8,
    "image/webp": b"RIFF\0\0\0\0WEBPVP8 ",
}


@pytest.mark.parametrize("kind", IMAGES)
def test_the_kind_is_told_by_how_the_bytes_begin(kind: str) -> None:
    assert kind_of(IMAGES[kind]) == kind
    check_data_url(data_url(IMAGES[kind], kind), "p")


def test_jpg_is_another_word_for_jpeg() -> None:
    check_data_url(data_url(IMAGES["image/jpeg"], "image/JPG"), "p")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("data:", "must be a data URL"),
        ("data:image/png,abc", "must be a data URL"),
        ("data:text/html;base64,AAAA", "must be a data URL"),
        ("data:image/png;base64,", "does not hold a PNG"),
        ("data:image/png;base64,AA!A", "is not valid base64"),
        ("data:image/png;base64,AAA", "is not valid base64"),
        ("data:image/png;base64,é", "is not valid base64"),
        ("data:image/svg+xml;base64,PHN2Zy8+", "does not hold a PNG"),
        (data_url(PNG, "image/jpeg"), "says it is image/jpeg, but holds image/png"),
    ],
)
def test_a_data_url_that_holds_no_image_is_named(url: str, sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence) as caught:
        check_data_url(url, "messages[0].content[0].image_url.url")
    assert caught.value.param == "messages[0].content[0].image_url.url"


def test_an_image_above_the_limit_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(RequestError, match="more than 20 MiB"):
        check_data_url(f"data:image/png;base64,{'A' * (MAX_IMAGE_BYTES * 4 // 3 + 8)}", "p")


def test_an_image_of_10_mb_is_taken() -> None:
    text = base64.b64encode(PNG + b"\7" * 10_000_000).decode()
    check_data_url(f"data:image/png;base64,{text}", "p")
