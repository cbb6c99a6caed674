"""What is wrong with a service that runs: its replicas, its gateway, its certificate, its clock."""

import ssl
import time
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from polychat.cli.doctor_checks import Check, fail, ok, warn

Json = Mapping[str, Any]  # Any: decoded JSON
SKEW_S = 5.0  # clocks that differ by more spoil expiry dates and logs
EXPIRES_SOON_S = 14 * 86400.0
_START_IN_S = 600.0  # weights that take longer deserve a look


def replicas(found: Sequence[Json], *, now_s: float) -> list[Check]:
    """One check a replica that is not ready, one for all that are."""
    checks = [_replica(each, now_s=now_s) for each in found if each["state"] != "ready"]
    num_ready = sum(each["state"] == "ready" for each in found)
    if not found:
        return [warn("replicas", "none has registered", "`polychat worker MODEL` starts one")]
    if num_ready:
        checks.insert(0, ok("replicas", f"{num_ready} of {len(found)} are ready"))
    return [*checks, *(_crowded(each) for each in found if _is_crowded(each))]


def _replica(each: Json, *, now_s: float) -> Check:
    name, detail = f"{each['names'][0]}", each.get("detail") or "no reason given"
    where = f"{each['state']} at {each['url']}"
    match each["state"]:
        case "starting" if "is gone" in detail:
            return fail(name, f"{where}: {detail}", "its log in POLYCHAT_HOME/logs says why the engine ends")
        case "starting" if now_s - each.get("created", now_s) > _START_IN_S:
            return warn(
                name, f"{where} for long: {detail}", "see its log: a slow disk, or too little memory?"
            )
        case "silent":
            return fail(name, f"{where}: {detail}", "see whether its machine and its engine still answer")
        case _:
            return warn(name, f"{where}: {detail}", "wait; it is not asked before it is ready")


def _is_crowded(each: Json) -> bool:
    load = each.get("load", {})
    return bool(load.get("waiting", 0) > max(4, load.get("slots", 0)))


def _crowded(each: Json) -> Check:
    waiting = each["load"]["waiting"]
    return warn(
        each["names"][0],
        f"{waiting} requests wait in its engine at {each['url']}",
        "add a replica, or --slots",
    )


def gateway(health: Json) -> list[Check]:
    """What the API says of itself."""
    checks = []
    if not health.get("controller_connected", True):
        lost = "it has lost its controller and goes on with what it knows"
        checks.append(fail("api", lost, "start `polychat controller`, or see the API's --token"))
    if waiting := health.get("waiting", 0):
        checks.append(
            warn("api", f"{waiting} requests wait for a replica", "add replicas; docs/overload.md says more")
        )
    if health.get("replicas") and not health.get("replicas_ready"):
        checks.append(fail("api", "none of its replicas is ready", "`polychat status` says why"))
    return checks


def openness(url: str, *, needs_key: bool) -> list[Check]:
    """A service that others can reach should ask for keys."""
    from polychat.listen import is_loopback

    host = urlsplit(url).hostname or ""
    if needs_key or is_loopback(host):
        return []
    return [warn("keys", f"{url} lets everybody in", "`polychat keys create NAME`, and leave --no-auth out")]


def clock(date_header: str, *, now_s: float) -> list[Check]:
    """The API's clock against ours."""
    try:
        skew_s = parsedate_to_datetime(date_header).timestamp() - now_s
    except (TypeError, ValueError):
        return []
    if abs(skew_s) <= SKEW_S:
        return []
    return [warn("clock", f"the API's differs by {skew_s:+.0f} s", "set the clocks by NTP: keys expire")]


def certificate(url: str, *, timeout_s: float = 3.0) -> list[Check]:
    """When the certificate ends that `url` shows; nothing for plain HTTP, or for one that is not trusted."""
    import socket

    place = urlsplit(url)
    if place.scheme != "https":
        return []
    try:
        with (
            socket.create_connection((place.hostname or "", place.port or 443), timeout_s) as raw,
            ssl.create_default_context().wrap_socket(raw, server_hostname=place.hostname) as wrapped,
        ):
            ends = wrapped.getpeercert()
    except ssl.SSLCertVerificationError as exc:
        return [fail("certificate", f"{url}: {exc.verify_message}", "renew it, or give --tls-ca")]
    except OSError:
        return []
    left_s = ssl.cert_time_to_seconds(str((ends or {}).get("notAfter", ""))) - time.time()
    if left_s > EXPIRES_SOON_S:
        return [ok("certificate", f"good for {left_s / 86400:.0f} days")]
    return [warn("certificate", f"ends in {left_s / 86400:.1f} days", "renew it and start the role again")]
