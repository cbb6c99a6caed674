"""Fetches an image from the public internet, for a model that sees."""

import asyncio
import functools
import ssl
from collections.abc import Collection
from urllib.parse import urljoin

import httpx

from polychat.errors import RequestError
from polychat.gateway.image_data import KINDS, MAX_IMAGE_BYTES, data_url, kind_of, too_large
from polychat.gateway.public_addresses import NotPublic, Resolve, public_address, resolve

TIMEOUT_S = 10.0  # for everything: names, redirects, the last byte
MAX_REDIRECTS = 3
_REDIRECTS = (301, 302, 303, 307, 308)


class ImageFetcher:
    """Fetches images; each address on the way is checked, then connected to as checked."""

    def __init__(
        self, *, trusted: Collection[str] = (), resolve: Resolve = resolve, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._trusted = frozenset(host.lower() for host in trusted)
        self._resolve = resolve
        self._timeout_s = timeout_s

    async def fetch(self, url: str, param: str) -> str:
        """The image at `url` as a data URL. `param` is where the URL stands in the request.

        Raises:
            RequestError: there is no image that the gateway may fetch.
        """
        try:
            async with asyncio.timeout(self._timeout_s), _client() as http:
                for _ in range(MAX_REDIRECTS + 1):
                    url_or_image = await self._step(http, url, param)
                    if isinstance(url_or_image, bytes):
                        return data_url(url_or_image, kind_of(url_or_image))
                    url = url_or_image
        except TimeoutError:
            raise _refused(param, f"did not arrive within {self._timeout_s:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as exc:
            raise _refused(param, "cannot be fetched") from exc
        raise _refused(param, f"redirects more than {MAX_REDIRECTS} times")

    async def _step(self, http: httpx.AsyncClient, text: str, param: str) -> bytes | str:
        """The image, or where the server says it is."""
        url = _checked(text, param)
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            address = await public_address(url.host, port, resolve=self._resolve, trusted=self._trusted)
        except NotPublic:
            raise _refused(param, "is not on the public internet") from None
        request = http.build_request(
            "GET",
            url.copy_with(host=address),
            headers={"host": url.netloc.decode("ascii")},
            extensions={"sni_hostname": url.host},
        )
        response = await http.send(request, stream=True)
        try:
            if response.status_code in _REDIRECTS and "location" in response.headers:
                return urljoin(text, response.headers["location"])
            return await _image_in(response, param)
        finally:
            await response.aclose()


def _checked(text: str, param: str) -> httpx.URL:
    url = httpx.URL(text)
    if url.scheme not in ("http", "https") or not url.host:
        raise RequestError(
            f"'{param}' must be a data URL or begin with https:// or http://, not {text[:40]!r}.", param=param
        )
    if url.userinfo:
        raise RequestError(f"'{param}' must not hold a user name or password.", param=param)
    return url


async def _image_in(response: httpx.Response, param: str) -> bytes:
    """The body, if it is an image; read only as far as the limit allows."""
    if response.status_code != 200:
        raise _refused(param, f"cannot be fetched: its server answered {response.status_code}")
    if not response.headers.get("content-type", "").lower().startswith("image/"):
        raise _refused(param, "is not an image: its server says so")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise _refused(param, "is sent compressed, which was not asked for")
    parts, size_bytes = [], 0
    async for part in response.aiter_raw():
        parts.append(part)
        size_bytes += len(part)
        if size_bytes > MAX_IMAGE_BYTES:
            raise too_large(param)
    image = b"".join(parts)
    if not kind_of(image):
        raise _refused(param, f"does not lead to a {KINDS} image")
    return image


def _refused(param: str, why: str) -> RequestError:
    return RequestError(f"The image at '{param}' {why}.", param=param)


def _client() -> httpx.AsyncClient:
    """Knows no proxy and no cookie, and follows nothing by itself."""
    headers = {"accept": "image/*", "accept-encoding": "identity", "user-agent": "polychat"}
    return httpx.AsyncClient(verify=_tls(), trust_env=False, follow_redirects=False, headers=headers)


@functools.cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()
