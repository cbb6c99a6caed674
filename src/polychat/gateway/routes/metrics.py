"""GET /metrics: what Prometheus reads, for admins and for who has the metrics token."""

import hmac

from polychat.errors import NotAllowed
from polychat.gateway import together
from polychat.gateway.caller import Role
from polychat.gateway.exchange import Exchange
from polychat.gateway.state import Gateway
from polychat.telemetry.metrics import CONTENT_TYPE


async def scrape(gateway: Gateway, exchange: Exchange) -> None:
    _require_allowed(gateway, exchange)
    await exchange.answer(await together.metrics(gateway), content_type=CONTENT_TYPE)


def _require_allowed(gateway: Gateway, exchange: Exchange) -> None:
    """Raises PlatformError for who may not read them. Where no key is needed for anything, all may."""
    authorization, token = exchange.header(b"authorization"), gateway.settings.metrics_token
    if token and hmac.compare_digest(authorization, f"Bearer {token}".encode()):
        return
    caller = gateway.keys.check(authorization, exchange.header(b"x-api-key"))
    if gateway.keys.are_required and caller.role is not Role.ADMIN:
        raise NotAllowed("Metrics are for admin keys, and for the token given with --metrics-token.")
