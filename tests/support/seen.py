"""What a gateway knows of a model's replicas, and how long it took to learn it."""

import time
from collections.abc import Callable
from urllib.error import URLError

from tests.support.processes import get_json, wait_until


def states(api_url: str, model: str, *, api_key: str = "") -> dict[str, int]:
    """State -> how many replicas of `model` are in it; {} when the gateway knows of none."""
    try:
        card = get_json(f"{api_url}/v1/models/{model}", api_key=api_key)
    except URLError:
        return {}
    assert isinstance(card, dict)
    counts: dict[str, int] = card["replicas"]
    return {state: count for state, count in counts.items() if count and state != "total"}


def until(api_url: str, model: str, what: dict[str, int], *, timeout_s: float = 15.0) -> None:
    """Until the gateway knows the replicas to be as in `what`."""
    wait_until(lambda: states(api_url, model) == what, timeout_s=timeout_s, what=str(what))


def took_s(deed: Callable[[], object], api_url: str, model: str, what: dict[str, int]) -> float:
    """The seconds from `deed` until the gateway knows the replicas to be as in `what`."""
    began_s = time.monotonic()
    deed()
    until(api_url, model, what)
    return time.monotonic() - began_s
