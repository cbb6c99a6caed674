"""How `polychat usage` shows its rows to people."""

from collections.abc import Sequence
from functools import reduce
from operator import add

from rich.table import Table

from polychat.db.usage import OUTCOMES, Account, Part
from polychat.db.usage_report import Question, Row

_NUMBERS = ("PROMPT", "CACHED", "COMPLETION", "TTFT", "DURATION", "ENGINE")


def table(rows: Sequence[Row], by: Sequence[Part]) -> Table:
    """One line a row, and below them what they come to."""
    outcomes = () if "outcome" in by else tuple(name.upper() for name in OUTCOMES)
    shown = Table(*(part.upper() for part in by), box=None, pad_edge=False)
    for name in ("REQUESTS", *outcomes, *_NUMBERS):
        shown.add_column(name, justify="right")
    for column in shown.columns:
        column.overflow = "fold"
    for row in rows:
        shown.add_row(*_parts(row, by), *_numbers(row, by))
    if by and len(rows) > 1:
        shown.add_row(*("total", *("" for _ in by[1:])), *_numbers(_total(rows), by), style="bold")
    return shown


def period(asked: Question) -> str:
    """Which days were asked for, as the end of a sentence."""
    since = f" since {asked.since_day}" if asked.since_day else ""
    until = f" until {asked.until_day}" if asked.until_day else ""
    those = " by this key" if asked.keys else ""
    return f"{'of this model' if asked.models else ''}{those}{since}{until}".strip() or "yet"


def _parts(row: Row, by: Sequence[Part]) -> list[str]:
    shown = {
        "day": row.account.day,
        "key": row.key_name or row.account.key_id or "-",
        "model": row.account.model or "-",
        "endpoint": row.account.endpoint,
        "outcome": row.account.outcome,
    }
    return [shown[part] for part in by]


def _numbers(row: Row, by: Sequence[Part]) -> list[str]:
    sums = row.sums
    outcomes = () if "outcome" in by else OUTCOMES
    return [
        f"{sums.requests}",
        *(f"{row.by_outcome.get(outcome, 0)}" for outcome in outcomes),
        f"{sums.prompt_tokens}",
        f"{sums.cached_tokens}",
        f"{sums.completion_tokens}",
        "-" if row.ttft_s is None else f"{row.ttft_s:.3f} s",
        f"{row.duration_s:.3f} s",
        f"{sums.engine_s:.3f} s",
    ]


def _total(rows: Sequence[Row]) -> Row:
    outcomes = {name: sum(row.by_outcome.get(name, 0) for row in rows) for name in OUTCOMES}
    return Row(Account(), "", reduce(add, (row.sums for row in rows)), outcomes)
