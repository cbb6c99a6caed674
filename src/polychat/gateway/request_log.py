"""One log line for each request that has been answered, or for those that failed."""

import logging
from typing import Literal

from polychat.gateway.exchange import Exchange

log = logging.getLogger(__name__)

RequestLog = Literal["off", "errors", "all"]
CHOICES: tuple[RequestLog, ...] = ("off", "errors", "all")


def note(exchange: Exchange, why: str, *, took_s: float, which: RequestLog) -> None:
    """`why`: what went wrong, "" if nothing did."""
    is_failure = exchange.status >= 500 or bool(why)
    if which == "off" or (which == "errors" and not is_failure):
        return
    journey = exchange.journey
    usage = journey.usage
    facts: dict[str, object] = {
        "request_id": journey.request_id,
        "method": exchange.method,
        "path": exchange.path[:200],
        "status": exchange.status,
        "duration_s": round(took_s, 4),
        "key": journey.caller.name or journey.caller.key_id,
        "model": journey.model,
        "replica": journey.replica_id,
        "attempts": journey.attempts,
        "ttft_s": None if journey.first_s is None else round(journey.first_s - journey.began_s, 4),
        "prompt_tokens": usage.prompt_tokens if usage else None,
        "completion_tokens": usage.completion_tokens if usage else None,
        "reason": why,
        "reasons": journey.reasons,
    }
    told = {name: value for name, value in facts.items() if value not in (None, "", [], 0)}
    words = " ".join(f"{name}={value}" for name, value in told.items() if name not in ("reasons",))
    log.log(logging.WARNING if is_failure else logging.INFO, "%s", words, extra={"facts": told})
