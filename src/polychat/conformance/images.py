"""A picture to send: made here, so that nothing need be read or fetched."""

import base64
import struct
import zlib

SIDE = 64  # pixels; vision models refuse pictures smaller than their patches


def png() -> bytes:
    """A grey square. Source: https://www.w3.org/TR/png-3/."""
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)  # 8 bits each of red, green and blue
    rows = (b"\0" + b"\x80" * 3 * SIDE) * SIDE
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, data)
        for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    )


def image_url() -> str:
    """The square as a data URL."""
    return f"data:image/png;base64,{base64.b64encode(png()).decode()}"


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
