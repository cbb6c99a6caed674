"""Workers that speak for servers which run already, as roles."""

import json
from collections.abc import Callable
from urllib.parse import urlsplit

from polychat.placement.roles import Plan, ReadyCheck, Role, token_of

_DRAIN = ("--drain-timeout", "1")  # seconds; by then no gateway sends anything


def workers(plan: Plan) -> list[Role]:
    """One a server."""
    key = ("--attach-key-env", plan.attach_key_env) if plan.attach_key_env else ()
    several = len(plan.attached) > 1
    attached = [
        _role(plan, f"attached-{place}" if several else "attached", ("--attach", url, *key), _at(url))
        for place, url in enumerate(plan.attached, start=1)
    ]
    return attached + [
        _role(plan, f"remote-{name}", ("--remote", name), _known_as(name)) for name in plan.remotes
    ]


def _role(plan: Plan, name: str, what: tuple[str, ...], missing: Callable[[bytes], str]) -> Role:
    return Role(
        name,
        ("worker", *what, "--controller-address", plan.controller_url, *_DRAIN),
        ReadyCheck(f"{plan.controller_url}/replicas", missing, bearer=plan.token),
        environment=token_of(plan),
        start_within_s=None,
        stop_rank=2,
        stop_within_s=2.0,
    )


def _at(address: str) -> Callable[[bytes], str]:
    """Ready when a model of the server at `address` is."""
    place = urlsplit(address if "://" in address else f"http://{address}").netloc

    def missing(body: bytes) -> str:
        there = [
            each
            for each in json.loads(body)
            if each["outside"] is not None and urlsplit(each["url"]).netloc == place
        ]
        if not there or any(each["state"] == "ready" for each in there):
            return "" if there else "not registered yet"
        return f"{there[0]['state']}: {there[0]['detail']}"

    return missing


def _known_as(name: str) -> Callable[[bytes], str]:
    """Ready when the provider's models are known: one that is away must not keep the others waiting."""

    def missing(body: bytes) -> str:
        known = [each["outside"]["name"] for each in json.loads(body) if each["outside"] is not None]
        return "" if name in known else "not registered yet"

    return missing
