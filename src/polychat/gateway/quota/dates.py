"""The UTC days and months that budgets are for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Today:
    """One day, numbered as its month is; and when both end, in Unix seconds."""

    day: int  # since 1970
    month: int  # since the year 0
    begins_s: float
    ends_s: float
    month_ends_s: float
    day_name: str  # YYYY-MM-DD
    month_begins: str  # its first day's name
    yesterday: str  # its name


def today_at(now_s: float) -> Today:
    day = int(now_s // _DAY_S)
    date = datetime.fromtimestamp(day * _DAY_S, UTC)
    years, month = divmod(date.year * 12 + date.month, 12)
    next_month = datetime(years, month + 1, 1, tzinfo=UTC)
    return Today(
        day=day,
        month=date.year * 12 + date.month,
        begins_s=day * _DAY_S,
        ends_s=(day + 1) * _DAY_S,
        month_ends_s=next_month.timestamp(),
        day_name=date.strftime("%Y-%m-%d"),
        month_begins=date.strftime("%Y-%m-01"),
        yesterday=(date - timedelta(days=1)).strftime("%Y-%m-%d"),
    )


class Calendar:
    """Today, worked out once a day."""

    def __init__(self, wall_s: Callable[[], float]) -> None:
        self._wall_s = wall_s
        self._today = today_at(wall_s())

    def today(self) -> tuple[Today, float]:
        """The day, and the Unix time now. Clocks jump, both ways."""
        now_s = self._wall_s()
        if not self._today.begins_s <= now_s < self._today.ends_s:
            self._today = today_at(now_s)
        return self._today, now_s
