"""Who may use the API: whoever shows a key that it was started with, or one that is in the database.

Nothing here waits: key_feed.py tells what is in the database.
"""

import hashlib
import hmac
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from polychat.db.keys import StoredKey
from polychat.errors import DatabaseUnavailable, Unauthorized
from polychat.gateway.caller import NOBODY, UNLIMITED, Allowance, Caller, Priority, Role

_NONE_SHOWN = (
    "You didn't provide an API key. Send it in the header `Authorization: Bearer YOUR_KEY`; "
    "the OpenAI SDKs do so with `api_key`."
)
_WRONG = "Incorrect API key provided. Ask whoever runs this service for a key."


@dataclass(frozen=True, slots=True)
class Given:
    """The keys that a gateway was started with."""

    users: tuple[str, ...] = ()
    admin: str = ""
    internal: str = ""  # of the web page and the probes of the same `polychat up`


NO_KEYS = Given()


@dataclass(frozen=True, slots=True)
class _Entry:
    digest: bytes
    caller: Caller
    until_s: float | None = None  # Unix seconds
    is_old: bool = False  # a secret from before a rotation


class Keys:
    """The keys that open the API. Only their hashes are kept."""

    def __init__(
        self,
        given: Given = NO_KEYS,
        *,
        required: bool | None = None,
        waits_for_stored: bool = False,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        """`required`: whether callers must show a key; None: as soon as there is one.

        `waits_for_stored`: `learn` will tell of more keys.
        """
        self._given = _entries_of(given)
        self._entries = dict(self._given)
        self._required = required
        self._has_any = bool(given.users or given.admin)
        self._waits = waits_for_stored
        self._digests: dict[str, tuple[bytes, ...]] = {}  # of stored keys, by id
        self._wall_s = wall_s

    @property
    def are_required(self) -> bool:
        """Whether callers must show a key: once there has ever been one, revoking the last opens nothing."""
        return self._has_any or self._waits if self._required is None else self._required

    def learn(self, stored: Iterable[StoredKey], *, is_all: bool) -> None:
        """What the database says of keys: of all there are, or of some that have changed."""
        self._waits = False
        if is_all:
            self._entries, self._digests = dict(self._given), {}
        for key in stored:
            self._has_any = True
            for digest in self._digests.pop(key.id, ()):
                self._entries.pop(digest, None)
            fresh = {} if key.revoked_at is not None else _entries(key)
            self._digests[key.id] = tuple(fresh)
            self._entries |= fresh | self._given

    def stored(self) -> list[Caller]:
        """Whom the keys in the database stand for."""
        return [self._entries[digests[0]].caller for digests in self._digests.values() if digests]

    def check(self, authorization: bytes, x_api_key: bytes = b"") -> Caller:
        """Who asks, given two of the request's headers (b"" for one that was not sent).

        `x-api-key` is where Anthropic's clients put their key; the Authorization header goes first.

        Raises:
            Unauthorized: a key must be shown, and it shows none that opens.
            DatabaseUnavailable: the key could be one that has not been read yet.
        """
        scheme, key = _shown(authorization, x_api_key)
        is_shown = bool(key) and scheme.lower() == b"bearer"
        entry = self._found(_digest(key)) if is_shown else None
        if entry is not None and (entry.until_s is None or self._wall_s() < entry.until_s):
            return entry.caller
        if not self.are_required:
            return NOBODY
        if not is_shown:
            raise Unauthorized(_NONE_SHOWN)
        if self._waits:
            raise DatabaseUnavailable
        raise Unauthorized(_WRONG if entry is None or entry.is_old else _expired(entry))

    def _found(self, digest: bytes) -> _Entry | None:
        """Time tells at most how a hash begins, and nobody can choose a key by its hash."""
        entry = self._entries.get(digest)
        return entry if entry is not None and hmac.compare_digest(entry.digest, digest) else None


def caller_of(key: StoredKey) -> Caller:
    """What a request with this key may do."""
    allowance = Allowance(
        requests_per_minute=key.requests_per_minute,
        tokens_per_minute=key.tokens_per_minute,
        concurrent=key.concurrent,
        tokens_per_day=key.tokens_per_day,
        tokens_per_month=key.tokens_per_month,
        gpu_s_per_day=key.gpu_s_per_day,
        gpu_s_per_month=key.gpu_s_per_month,
    )
    return Caller(
        key_id=key.id,
        name=key.name,
        account=key.id,
        role=Role(key.role),
        models=frozenset(key.models),
        allowance=UNLIMITED if allowance == UNLIMITED else allowance,  # quotas look at which it is alone
        priority=Priority(key.priority),
    )


def _entries(key: StoredKey) -> dict[bytes, _Entry]:
    caller, digest = caller_of(key), bytes.fromhex(key.hash)
    entries = {digest: _Entry(digest, caller, key.expires_at)}
    if key.old_hash is not None and key.old_until is not None:
        old = bytes.fromhex(key.old_hash)
        until_s = key.old_until if key.expires_at is None else min(key.old_until, key.expires_at)
        entries[old] = _Entry(old, caller, until_s, is_old=True)
    return entries


def _entries_of(given: Given) -> dict[bytes, _Entry]:
    callers = {_digest(key.encode()): _caller_given(key) for key in given.users}
    if given.admin:
        callers[_digest(given.admin.encode())] = _caller_given(given.admin, Role.ADMIN)
    if given.internal:
        callers[_digest(given.internal.encode())] = Caller("internal", "internal", "internal")
    return {digest: _Entry(digest, caller) for digest, caller in callers.items()}


def _caller_given(key: str, role: Role = Role.USER) -> Caller:
    digest = _digest(key.encode()).hex()
    return Caller(key_id=digest[:16], account=digest, role=role)


def _expired(entry: _Entry) -> str:
    assert entry.until_s is not None
    day = datetime.fromtimestamp(entry.until_s, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"This API key expired on {day}. Ask whoever runs this service for a new one."


def _shown(authorization: bytes, x_api_key: bytes) -> tuple[bytes, bytes]:
    """The scheme and the key."""
    if x_api_key and not authorization:
        authorization = b"Bearer " + x_api_key
    scheme, _, key = authorization.strip().partition(b" ")
    return scheme, key.strip()


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
