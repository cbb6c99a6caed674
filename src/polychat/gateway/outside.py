"""What servers that polychat has not started answer other than 200, as the client is told of it.

A wrong key is ours to mend and not the client's; a route that the server has not got is not its model's.
"""

import re

from polychat.engines.base import RequestView
from polychat.errors import (
    NotImplementedByModel,
    PlatformError,
    ReplicaBusy,
    ReplicaError,
    ReplicaUnavailable,
)
from polychat.gateway.answers import reason_of
from polychat.routing.replica import Outside, Replica

LONGEST_RETRY_AFTER_S = 3600
_NO_SUCH_MODEL = re.compile(
    r"model_not_found|model\b.{0,200}?\b(not found|not exist|not served|unavailable)|(unknown|no such) model",
    re.IGNORECASE | re.DOTALL,
)


def scrubbed(body: bytes, replica: Replica) -> bytes:
    """What a server said, without the key, which some repeat to who sent a wrong one."""
    return body.replace(replica.secret.encode(), b"***") if replica.secret else body


def refusal(
    status: int, body: bytes, retry_after: bytes, replica: Replica, view: RequestView
) -> PlatformError | None:
    """The error behind an answer of a server outside; None if it is as any engine's."""
    outside = replica.outside
    if outside is None:
        return None
    who = f"The provider {outside.name}" if outside.name else f"The server of {view.model!r}"
    reason = reason_of(status, body)
    match status:
        case 401:
            return _ours(f"{who} does not take our key: {_mend(outside)}.")
        case 403:
            return _ours(f"{who} does not allow this ({reason}): {_mend(outside)}.")
        case 402:
            return ReplicaUnavailable(f"{who} wants to be paid: {reason}")
        case 404 | 405 | 501:
            is_model = _NO_SUCH_MODEL.search(body.decode(errors="replace"))
            gone = _ours(f"{who} has no model {replica.upstream_model!r}: {reason}")
            return gone if is_model else NotImplementedByModel(view.model, view.endpoint)
        case 429:
            return ReplicaBusy(f"{who} is busy: {reason}", retry_after_s=_seconds(retry_after))
    is_away = status >= 500 and outside.name
    return ReplicaUnavailable(f"{who} cannot answer now: {reason}") if is_away else None


def _ours(message: str) -> PlatformError:
    error = PlatformError(message)
    error.status, error.code = 502, ReplicaError.code
    return error


def _mend(outside: Outside) -> str:
    if outside.key_env:
        return f"set {outside.key_env} to a valid one and start polychat again"
    where = "key_env in polychat.toml" if outside.name else "--attach-key-env"
    return f"it wants one, name its environment variable with {where}"


def _seconds(retry_after: bytes) -> int:
    """A Retry-After header in seconds; a date or nothing at all is taken for soon."""
    text = retry_after.decode("latin-1").strip()
    return min(int(text[:9]), LONGEST_RETRY_AFTER_S) if text.isascii() and text.isdigit() else 2
