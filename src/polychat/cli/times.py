"""Times as people write them: 30d, 12h, 2026-12-31. Pure."""

import re
from datetime import UTC, datetime, timedelta

from polychat.errors import SetupError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_SPAN = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)([smhdw])", re.ASCII)
_LATEST_S = 253_402_300_800.0  # the year 10000


def span_s(text: str, option: str) -> float:
    """The seconds of a time such as 90s, 45m, 12h, 30d, 2w, or 0.

    Raises:
        SetupError: it is no such time.
    """
    found = _SPAN.fullmatch(text.strip().lower())
    if text.strip() == "0":
        return 0.0
    if not found:
        raise SetupError(f"{option} {text} is no time; write 90s, 45m, 12h, 30d or 2w")
    return float(found[1]) * _UNITS[found[2]]


def moment_s(text: str, option: str, *, now_s: float) -> float:
    """The Unix time of a moment to come: so long from now, or the end of a day (UTC).

    Raises:
        SetupError: it is none, or has passed.
    """
    is_span = _SPAN.fullmatch(text.strip().lower())
    moment = now_s + span_s(text, option) if is_span else _date_s(text, option)
    if not now_s < moment < _LATEST_S:
        raise SetupError(f"{option} {text} is not a time to come; write one such as 30d or 2027-12-31")
    return moment


def _date_s(text: str, option: str) -> float:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as exc:
        raise SetupError(f"{option} {text} is no time; write 12h, 30d or a date such as 2027-12-31") from exc
    if len(text.strip()) <= len("2027-12-31"):
        moment += timedelta(days=1)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def shown(moment_s: float | None) -> str:
    """A moment in UTC, to the minute."""
    return "-" if moment_s is None else datetime.fromtimestamp(moment_s, UTC).strftime("%Y-%m-%d %H:%M")
