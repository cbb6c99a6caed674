"""Images as bytes and as data URLs: what kind they are, and whether they are what they say."""

import base64
import binascii

from polychat.errors import RequestError

MAX_IMAGE_BYTES = 20 * 1024 * 1024
KINDS = "PNG, JPEG, GIF or WebP"
_SAME = {"image/jpg": "image/jpeg"}


def kind_of(image: bytes) -> str:
    """The media type by how the bytes begin, "" if they are none of the four kinds."""
    if image.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if image.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if image.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    return "image/webp" if image.startswith(b"RIFF") and image[8:12] == b"WEBP" else ""


def data_url(image: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(image).decode()}"


def check_data_url(url: str, param: str) -> None:
    """Return if the URL holds an image.

    Raises:
        RequestError: it does not.
    """
    declared, separator, text = url[len("data:") :].partition(";base64,")
    declared = _SAME.get(declared.lower(), declared.lower())
    if not separator or not declared.startswith("image/"):
        raise RequestError(
            f"'{param}' must be a data URL of the form data:image/png;base64,…, not {url[:40]!r}.",
            param=param,
        )
    if len(text) > MAX_IMAGE_BYTES * 4 / 3 + 4:
        raise too_large(param)
    try:
        image = binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError) as exc:
        raise RequestError(f"'{param}' is not valid base64: {exc}.", param=param) from exc
    if not (kind := kind_of(image)):
        raise RequestError(f"'{param}' does not hold a {KINDS} image.", param=param)
    if kind != declared:
        raise RequestError(f"'{param}' says it is {declared[:40]}, but holds {kind}.", param=param)


def too_large(param: str) -> RequestError:
    limit_mb = MAX_IMAGE_BYTES // 1024 // 1024
    return RequestError(f"'{param}' is an image of more than {limit_mb} MiB.", param=param)
