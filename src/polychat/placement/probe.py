"""One HTTP GET to a role here, without a client library: `up` is ready before one could be imported."""

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import ssl

MAX_BYTES = 4 * 1024 * 1024


async def get(url: str, *, bearer: str = "", timeout_s: float = 2.0) -> bytes | None:
    """The body that `url` answers with status 200 now; None if it answers otherwise or not at all."""
    try:
        async with asyncio.timeout(timeout_s):
            return await _get(url, bearer)
    except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
        return None


def _unverified() -> "ssl.SSLContext":
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def _get(url: str, bearer: str) -> bytes | None:
    place = urlsplit(url)
    # Our own role on this machine, known by name or not: what it shows need not be looked at.
    context = _unverified() if place.scheme == "https" else None
    reader, writer = await asyncio.open_connection(place.hostname, place.port, ssl=context)
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
