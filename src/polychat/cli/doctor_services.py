"""Checks of what listens on this machine and what it can reach."""

import asyncio
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from polychat.cli import doctor_running as running
from polychat.cli.doctor_checks import Check, fail, ok, warn
from polychat.client import ApiError, ApiUnreachable, Client, normal_url
from polychat.errors import SetupError
from polychat.placement import ports as machine_ports
from polychat.tls import trusted

if TYPE_CHECKING:
    import httpx

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


def services(api_url: str, api_key: str, controller_address: str, token: str) -> list[Check]:
    """What the controller and the API say, if they run."""
    return [
        *_controller(controller_address, token),
        asyncio.run(_api(api_url, api_key)),
        *_gateway(api_url),
    ]


def _controller(address: str, token: str) -> list[Check]:
    import httpx

    try:
        url = normal_url(address)
        answer = _get(f"{url}/health")
    except httpx.TransportError:
        return [ok("controller", f"none at {address} (`polychat up` starts one)")]
    except SetupError as exc:
        return [fail("controller", str(exc), "correct --controller-address")]
    if answer.status_code != 200 or "replicas" not in answer.text:
        return [warn("controller", f"another program answers at {address}", "give --controller-address")]
    found = ok("controller", f"at {address}, {answer.json()['replicas']} replicas")
    listed = _get(f"{url}/replicas", {"authorization": f"Bearer {token}"} if token else {})
    if listed.status_code != 200:
        return [found, warn("replicas", "the controller does not say", "give its token: --token")]
    return [found, *running.replicas(listed.json(), now_s=time.time())]


def _gateway(address: str) -> list[Check]:
    """What is wrong with the API, if it runs."""
    import httpx

    try:
        url = normal_url(address)
        answer = _get(f"{url}/health")
        needs_key = _get(f"{url}/v1/models").status_code == 401
    except (httpx.TransportError, SetupError):  # has been told
        return running.certificate(address)
    if answer.status_code != 200 or "controller_connected" not in answer.text:
        return []
    return [
        *running.gateway(answer.json()),
        *running.openness(url, needs_key=needs_key),
        *running.clock(answer.headers.get("date", ""), now_s=time.time()),
        *running.certificate(url),
    ]


def _get(url: str, headers: Mapping[str, str] = MappingProxyType({})) -> "httpx.Response":
    import httpx

    verify = trusted() if url.startswith("https:") else False
    return httpx.get(url, headers=dict(headers), timeout=3.0, trust_env=False, verify=verify)


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
