"""GET /openapi.json and /docs: the API described, for programs and for people. Neither needs a key."""

import asyncio

from polychat.gateway.exchange import Exchange
from polychat.gateway.state import Gateway


async def document(gateway: Gateway, exchange: Exchange) -> None:
    await exchange.json(await asyncio.to_thread(_document))


async def docs(gateway: Gateway, exchange: Exchange) -> None:
    body, security_policy = await asyncio.to_thread(_page)
    headers = {
        "content-security-policy": security_policy,
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    await exchange.answer(body, content_type="text/html; charset=utf-8", headers=headers)


def _document() -> bytes:
    from polychat.gateway.openapi.document import document  # a hundred structs: only for who asks

    return document()


def _page() -> tuple[bytes, str]:
    from polychat.gateway.openapi.page import SECURITY_POLICY, page

    return page(), SECURITY_POLICY
