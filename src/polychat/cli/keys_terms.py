"""What a user asks of a key, checked and put into the key. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from polychat.cli import options, times
from polychat.db.key_facts import KeyFacts, with_facts
from polychat.db.keys import StoredKey
from polychat.db.unclear import Unclear
from polychat.errors import SetupError

_NEVER = "never"
_OPTIONS = {  # of the command -> of the terms, where they are not the same
    "rpm": "requests_per_minute",
    "tpm": "tokens_per_minute",
    "gpu_seconds_per_day": "gpu_s_per_day",
    "gpu_seconds_per_month": "gpu_s_per_month",
    "admin": "is_admin",
}
_SAID = {  # of a fact -> the option
    "name": "NAME",
    "requests_per_minute": "--rpm",
    "tokens_per_minute": "--tpm",
    "gpu_s_per_day": "--gpu-seconds-per-day",
    "gpu_s_per_month": "--gpu-seconds-per-month",
    "tokens_per_day": "--tokens-per-day",
    "tokens_per_month": "--tokens-per-month",
    "priority": "--priority",
    "concurrent": "--concurrent",
    "models": "--models",
    "owner": "--owner",
}
_SAME = (  # are of a key what they are of the options
    "priority",
    "requests_per_minute",
    "tokens_per_minute",
    "concurrent",
    "tokens_per_day",
    "tokens_per_month",
    "gpu_s_per_day",
    "gpu_s_per_month",
)


@dataclass(frozen=True, slots=True)
class Terms:
    """The options of `polychat keys create` and `change`; None: as it is."""

    owner: str | None = None
    expires: str | None = None
    models: str | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrent: int | None = None
    tokens_per_day: int | None = None
    tokens_per_month: int | None = None
    gpu_s_per_day: float | None = None
    gpu_s_per_month: float | None = None
    priority: str | None = None
    is_admin: bool = False

    @property
    def says_nothing(self) -> bool:
        return all(getattr(self, each.name) in (None, False) for each in fields(self))


def said(options: Mapping[str, Any]) -> Terms:
    """The terms in a command's parameters, by their names there; what is none of them is left aside."""
    terms = {_OPTIONS.get(name, name): value for name, value in options.items()}
    return Terms(**{each.name: terms[each.name] for each in fields(Terms) if each.name in terms})


def applied(terms: Terms, key: StoredKey, *, now_s: float) -> StoredKey:
    """The key under these terms.

    Raises:
        SetupError: one of them is wrong.
    """
    facts: dict[str, object] = {name: value for name in _SAME if (value := getattr(terms, name)) is not None}
    if terms.owner is not None:
        facts["owner"] = " ".join(terms.owner.split())
    if terms.models is not None:
        facts["models"] = options.split_list(terms.models)
    if terms.expires is not None:
        facts["expires_at"] = _expiry(terms.expires, now_s)
    if terms.is_admin:
        facts["role"] = "admin"
    try:
        return with_facts(key, KeyFacts(**facts), now_s=now_s)  # type: ignore[typeddict-item]  # by name
    except Unclear as exc:
        raise SetupError(f"{_SAID.get(exc.name, exc.name)}: {exc}") from exc


def _expiry(text: str, now_s: float) -> float | None:
    return None if text.strip().lower() == _NEVER else times.moment_s(text, "--expires", now_s=now_s)
