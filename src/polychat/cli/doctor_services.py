"""Checks of what listens on this machine and what it can reach."""

import asyncio

from polychat.cli.doctor_checks import Check, fail, ok, warn
from polychat.client import ApiError, ApiUnreachable, Client
from polychat.errors import SetupError
from polychat.placement import ports as machine_ports

DEFAULT_PORTS = {8000: "--port", 7860: "--web-port", 21001: "--controller-port", 21002: "--worker-port"}


def ports() -> list[Check]:
    """polychat's default ports: free, polychat's own, or another program's."""
    return [port_check(port, flag) for port, flag in DEFAULT_PORTS.items()]


def port_check(port: int, flag: str) -> Check:
    name = f"port {port}"
    if machine_ports.is_free("127.0.0.1", port):
        return ok(name, "free")
    who = machine_ports.holder(port) or "a process of another user"
    if "polychat" in who:
        return ok(name, f"polychat runs there ({who})")
    return warn(name, f"taken by {who}", f"`polychat up {flag} PORT` takes another")


def services(api_url: str, api_key: str, controller_address: str) -> list[Check]:
    return [_controller(controller_address), asyncio.run(_api(api_url, api_key))]


def _controller(address: str) -> Check:
    import httpx

    from polychat.client import normal_url

    try:
        url = normal_url(address)
        answer = httpx.get(f"{url}/health", timeout=3.0, trust_env=False)
    except httpx.TransportError:
        return ok("controller", f"none at {address} (`polychat up` starts one)")
    except SetupError as exc:
        return fail("controller", str(exc), "correct --controller-address")
    if answer.status_code != 200 or "replicas" not in answer.text:
        return warn("controller", f"another program answers at {address}", "give --controller-address")
    return ok("controller", f"at {address}, {answer.json()['replicas']} replicas")


async def _api(url: str, key: str) -> Check:
    try:
        async with Client(url, api_key=key) as client:
            cards = await client.models()
    except ApiUnreachable:
        return ok("api", f"none at {url} (`polychat up` starts one)")
    except ApiError as exc:
        return warn("api", f"{url}: {exc}", "give --api-key, or another --api-url")
    except SetupError as exc:
        return fail("api", str(exc), "correct --api-url")
    return ok("api", f"at {url}, serves {', '.join(card.id for card in cards) or 'no model yet'}")


def hub() -> Check:
    """Whether models can be downloaded."""
    import httpx
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return warn(
            "model hub", "HF_HUB_OFFLINE is set: only models already here", "unset it to download others"
        )
    try:
        httpx.head(constants.ENDPOINT, timeout=5.0)
    except httpx.TransportError as exc:
        return warn(
            "model hub",
            f"{constants.ENDPOINT} cannot be reached ({exc or type(exc).__name__})",
            "set HF_ENDPOINT to a mirror or a proxy; models on disk and `builtin` work without it",
        )
    return ok("model hub", f"{constants.ENDPOINT} answers")
