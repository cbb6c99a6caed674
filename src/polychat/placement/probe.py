"""One HTTP GET to a role here, without a client library: `up` is ready before one could be imported."""

import asyncio
from urllib.parse import urlsplit

MAX_BYTES = 4 * 1024 * 1024


async def get(url: str, *, bearer: str = "", timeout_s: float = 2.0) -> bytes | None:
    """The body that `url` answers with status 200 now; None if it answers otherwise or not at all."""
    try:
        async with asyncio.timeout(timeout_s):
            return await _get(url, bearer)
    except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
        return None


async def _get(url: str, bearer: str) -> bytes | None:
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    try:
        lines = [f"GET {place.path or '/'} HTTP/1.0", f"Host: {place.netloc}", "Accept: */*"]
        if bearer:
            lines.append(f"Authorization: Bearer {bearer}")
        writer.write("\r\n".join([*lines, "", ""]).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.read(MAX_BYTES) if head.split(None, 2)[1] == b"200" else None
        while body is not None and (more := await reader.read(MAX_BYTES)):
            body += more
        return body
    finally:
        writer.close()
