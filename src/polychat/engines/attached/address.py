"""Where a server's API may lie, by the address that people give for it."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from polychat.errors import SetupError

_VERSION = re.compile(r"/v\d+$")


@dataclass(frozen=True, slots=True)
class Place:
    """An API's routes are below `url` + `api_root`."""

    url: str  # "https://openrouter.ai/api"
    api_root: str = "/v1"

    @property
    def root(self) -> str:
        return self.url + self.api_root


def places(address: str, *, flag: str) -> tuple[Place, ...]:
    """Where to look, the likeliest first: people give the server's address, or its API's.

    Raises:
        SetupError: it is no address of a server; names `flag`, which gave it.
    """
    origin, path = _parts(address, flag)
    if path.endswith("/v1"):
        return (Place(origin + path.removesuffix("/v1")),)
    if not path:
        return (Place(origin), Place(origin, ""))
    bare = Place(origin, path)
    return (bare,) if _VERSION.search(path) else (bare, Place(origin + path))


def origin_of(address: str) -> str:
    """Scheme, host and port of a server's address."""
    return _parts(address, "the address")[0]


def _parts(address: str, flag: str) -> tuple[str, str]:
    text = address if "://" in address else f"http://{address}"
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # the port is not a number
        is_url = False
    if not is_url or re.search(r"\s", address):
        raise SetupError(f"{flag} {address!r} is no address of a server; it looks like http://127.0.0.1:8080")
    if parts.username is not None or parts.query or parts.fragment:
        raise SetupError(
            f"{flag}: give the plain address {parts.scheme}://{parts.hostname} without user, query and "
            "fragment; a key is named by its environment variable"
        )
    return f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
