"""What somebody wants a key to be, checked: for `polychat keys` and for the admin API alike."""

import re
from dataclasses import replace
from typing import TypedDict

from polychat.db.keys import StoredKey
from polychat.db.unclear import Unclear

ROLES = ("user", "admin")
PRIORITIES = ("interactive", "batch")
MAX_OWNER = 100  # characters
_NAME = re.compile(r"[\w.@+-](?:[\w .@:/+-]{0,62}[\w.@+-])?")
_LIMITS = (
    "requests_per_minute",
    "tokens_per_minute",
    "concurrent",
    "tokens_per_day",
    "tokens_per_month",
    "gpu_s_per_day",
    "gpu_s_per_month",
)
_MOST = 2**53  # what every JSON reader can count


class KeyFacts(TypedDict, total=False):
    """What can be set; what is missing stays as it is."""

    name: str
    owner: str
    role: str
    priority: str
    expires_at: float | None  # Unix seconds; None: never
    models: tuple[str, ...]  # none: all
    requests_per_minute: int  # 0: no limit, as in the next
    tokens_per_minute: int
    concurrent: int
    tokens_per_day: int
    tokens_per_month: int
    gpu_s_per_day: float
    gpu_s_per_month: float


def with_facts(key: StoredKey, facts: KeyFacts, *, now_s: float) -> StoredKey:
    """The key as it is wanted.

    Raises:
        Unclear: one of the facts cannot be.
    """
    changed = replace(key, **facts)
    _check_words(changed)
    for name in _LIMITS:
        if not 0 <= getattr(changed, name) <= _MOST:
            raise Unclear(name, f"must be a number from 0 (no limit) to {_MOST}")
    if facts.get("expires_at") is not None and (changed.expires_at or 0.0) <= now_s:
        raise Unclear("expires_at", "is in the past; revoke a key that is to end now")
    return changed


def _check_words(key: StoredKey) -> None:
    if not _NAME.fullmatch(key.name):
        raise Unclear("name", f"{key.name!r} is none; use up to 64 letters, digits, blanks and . _ - @ : / +")
    if len(key.owner) > MAX_OWNER or not key.owner.isprintable():
        raise Unclear("owner", f"must be at most {MAX_OWNER} characters that can be printed")
    if key.role not in ROLES:
        raise Unclear("role", f"has no {key.role!r}; choose {' or '.join(ROLES)}")
    if key.priority not in PRIORITIES:
        raise Unclear("priority", f"has no {key.priority!r}; choose {' or '.join(PRIORITIES)}")
    if not all(key.models):
        raise Unclear("models", "has an empty name; leave it empty for all models")
