"""Lets pages of other origins use the API, where the gateway was told to. Source: https://fetch.spec.whatwg.org."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

from polychat.errors import RequestError
from polychat.gateway.answer_head import Headers
from polychat.gateway.exchange import Exchange

_EXPOSED = b"x-request-id, request-id, retry-after"
_METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"


@dataclass(frozen=True, slots=True)
class Page:
    """The page that a request comes from, if it comes from one."""

    origin: str  # "": no page, or one that may not use the API
    is_any_allowed: bool
    asks_first: (
        bool  # whether this is not the request itself, but a browser's question whether it may send it
    )
    wanted: str  # the headers that it would send

    @classmethod
    def of(cls, exchange: Exchange, allowed: Collection[str]) -> Self:
        """`allowed`: the origins that may use the API; "*": all of them.

        Raises:
            RequestError: the browser of a page that may not asks whether it may.
        """
        origin = exchange.header(b"origin").decode("latin-1")
        asks = exchange.method == "OPTIONS" and bool(exchange.header(b"access-control-request-method"))
        is_any = "*" in allowed
        is_allowed = is_any or origin in allowed
        if origin and asks and not is_allowed:
            raise RequestError(
                f"Pages of {origin} may not use this API; --allowed-origins lists those that may."
            )
        wanted = exchange.header(b"access-control-request-headers").decode("latin-1")
        return cls(origin if is_allowed else "", is_any, bool(origin and asks), wanted)

    @property
    def headers(self) -> Headers:
        """Those of every answer to it."""
        varies = [] if self.is_any_allowed else [(b"vary", b"Origin")]
        if not self.origin:
            return varies
        allowed = b"*" if self.is_any_allowed else self.origin.encode("latin-1")
        return [
            *varies,
            (b"access-control-allow-origin", allowed),
            (b"access-control-expose-headers", _EXPOSED),
        ]

    @property
    def permissions(self) -> dict[str, str]:
        """What a browser is told that asks first, besides."""
        told = {"access-control-allow-methods": _METHODS, "access-control-max-age": "600"}
        return told | ({"access-control-allow-headers": self.wanted} if self.wanted else {})
