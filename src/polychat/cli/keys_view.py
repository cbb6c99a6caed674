"""How keys are shown: as facts for programs, a table or lines for people. Never their hashes."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from polychat.cli import times
from polychat.db.keys import StoredKey
from polychat.db.usage import Used

Use = dict[str, float]
Facts = dict[str, object]
_LIMITS = {  # of a key -> what is said of it
    "requests_per_minute": "requests/min",
    "tokens_per_minute": "tokens/min",
    "concurrent": "at once",
    "tokens_per_day": "tokens/day",
    "tokens_per_month": "tokens/month",
    "gpu_s_per_day": "GPU s/day",
    "gpu_s_per_month": "GPU s/month",
}
_HEADS = ("NAME", "ID", "SECRET", "OWNER", "STATE", "EXPIRES", "MODELS", "LIMITS")
_TIMES = ("created_at", "expires_at", "revoked_at", "old_until")


def use(used: Used | None) -> Use:
    """What has been used, for programs."""
    return {"tokens": used.tokens if used else 0, "engine_s": round(used.engine_s if used else 0.0, 3)}


def facts(key: StoredKey, now_s: float) -> Facts:
    """Everything that may be told of a key. Times are Unix seconds."""
    names = ("id", "name", "prefix", "owner", "role", "priority", *_TIMES, *_LIMITS)
    return {
        **{name: getattr(key, name) for name in names},
        "models": list(key.models),
        "state": key.state(now_s),
    }


def table(keys: Sequence[StoredKey], now_s: float) -> Table:
    shown = Table(*_HEADS, box=None, pad_edge=False)
    for column in shown.columns:
        column.overflow = "fold"
    for key in keys:
        state = f"{key.state(now_s)} ({key.role})" if key.role == "admin" else key.state(now_s)
        shown.add_row(
            key.name,
            key.id,
            f"{key.prefix}…",
            key.owner or "-",
            state,
            times.shown(key.expires_at),
            ", ".join(key.models) or "all",
            limits(key),
        )
    return shown


def limits(key: StoredKey) -> str:
    """Its limits in a few words."""
    said = [f"{getattr(key, name):g} {words}" for name, words in _LIMITS.items() if getattr(key, name)]
    said += [key.priority] if key.priority != "interactive" else []
    return ", ".join(said) or "none"


def lines(told: Mapping[str, object]) -> list[str]:
    """One key, a line a fact."""
    return [f"{name.replace('_', ' '):<20} {_shown(name, value)}" for name, value in told.items()]


def _shown(name: str, value: object) -> str:
    if name in _TIMES and (value is None or isinstance(value, float | int)):
        return times.shown(value)
    if isinstance(value, dict):
        return f"{value['tokens']} tokens, {value['engine_s']:g} s of engines"
    if isinstance(value, list):
        return ", ".join(value) or "all"
    if name in _LIMITS:
        return f"{value:g}" if value else "no limit"
    return str(value) if value else "-"
