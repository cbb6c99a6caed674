"""Usage as people ask for it: which days, keys and models, told apart by what, in rows."""

import csv
import io
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from polychat.db.unclear import Unclear
from polychat.db.usage import OUTCOMES, PARTS, Account, Part, Sums, Usage, Wanted

DEFAULT_BY: tuple[Part, ...] = ("key", "model")
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_DAYS = "day (2026-11-23), no month (2026-11), and neither today nor yesterday"

Value = str | int | float | None


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody wants to know."""

    by: tuple[Part, ...] = DEFAULT_BY
    since_day: str | None = None
    until_day: str | None = None
    keys: tuple[str, ...] = ()  # ids or names; none: all
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the answer."""

    account: Account
    key_name: str
    sums: Sums
    by_outcome: Mapping[str, int] = field(default_factory=dict)  # requests

    @property
    def ttft_s(self) -> float | None:
        """The mean of those that had a first token."""
        return self.sums.ttft_s / self.sums.num_ttft if self.sums.num_ttft else None

    @property
    def duration_s(self) -> float:
        """The mean."""
        return self.sums.duration_s / self.sums.requests


def parts_of(text: str) -> tuple[Part, ...]:
    """What sums are told apart by: names split by commas.

    Raises:
        Unclear: one of them is none.
    """
    known: dict[str, Part] = {part: part for part in PARTS}
    names = [name for each in text.split(",") if (name := each.strip())]
    for name in names:
        if name not in known:
            raise Unclear("by", f"has no {name!r}; choose from {', '.join(PARTS)}")
    return tuple(part for part in PARTS if part in names)


def first_day(text: str, today: date) -> str | None:
    """The first day of what `text` names; None for "all", this month's for "".

    Raises:
        Unclear: it names no day.
    """
    if text == "all":
        return None
    return _days("since", text or f"{today:%Y-%m}", today)[0].isoformat()


def last_day(text: str, today: date) -> str | None:
    """The last day of what `text` names; None for "".

    Raises:
        Unclear: it names no day.
    """
    return _days("until", text, today)[1].isoformat() if text else None


def question(*, by: str, since: str, until: str, today: date) -> Question:
    """What somebody wants to know, but for the keys and models.

    Raises:
        Unclear: a word of it cannot be read.
    """
    asked = Question(parts_of(by), first_day(since, today), last_day(until, today))
    if asked.since_day and asked.until_day and asked.since_day > asked.until_day:
        raise Unclear("until", f"{asked.until_day} is before {asked.since_day}, where the usage begins")
    return asked


async def rows(usage: Usage, asked: Question) -> list[Row]:
    """The answer, in order. Raises DatabaseUnavailable when nobody can tell now."""
    names = await usage.key_names()
    wanted = Wanted(asked.since_day, asked.until_day, _ids(asked.keys, names), asked.models or None)
    found: dict[Account, Row] = {}
    by: list[Part] = [*asked.by, "outcome"]
    for account, sums in (await usage.totals(list(dict.fromkeys(by)), wanted)).items():
        line = account if "outcome" in asked.by else replace(account, outcome="")
        before = found.get(line) or Row(line, names.get(account.key_id, ""), Sums())
        counted = {**before.by_outcome, account.outcome: sums.requests}
        found[line] = replace(before, sums=before.sums + sums, by_outcome=counted)
    return [found[line] for line in sorted(found)]


def fields(row: Row, by: Sequence[Part]) -> dict[str, Value]:
    """A row by the names of its columns."""
    told: dict[str, Value] = {}
    for part in by:
        told[part] = row.account.key_id if part == "key" else getattr(row.account, part)
        if part == "key":
            told["key_name"] = row.key_name
    told["requests"] = row.sums.requests
    if "outcome" not in by:
        told |= {outcome: row.by_outcome.get(outcome, 0) for outcome in OUTCOMES}
    return told | {
        "prompt_tokens": row.sums.prompt_tokens,
        "cached_tokens": row.sums.cached_tokens,
        "completion_tokens": row.sums.completion_tokens,
        "mean_ttft_s": row.ttft_s,
        "mean_duration_s": row.duration_s,
        "engine_s": row.sums.engine_s,
    }


def as_csv(found: Sequence[Row], by: Sequence[Part]) -> str:
    """The rows for a spreadsheet, under a line with the names of the columns."""
    text = io.StringIO()
    empty = Row(Account(), "", Sums(requests=1))
    writer = csv.DictWriter(text, fields(empty, by).keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(_for_spreadsheet(fields(row, by)) for row in found)
    return text.getvalue()


def _for_spreadsheet(told: Mapping[str, Value]) -> dict[str, Value]:
    """No text begins as a formula does: the names are other people's.

    Source: https://owasp.org/www-community/attacks/CSV_Injection
    """
    return {
        name: f"'{value}"
        if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r")
        else value
        for name, value in told.items()
    }


def _ids(keys: Collection[str], names: Mapping[str, str]) -> list[str] | None:
    """The ids of keys that are given by id or name. What the table of keys lacks is taken for an id."""
    if not keys:
        return None
    return [id_ for key in keys for id_ in ([i for i, name in names.items() if key in (i, name)] or [key])]


def _days(name: str, text: str, today: date) -> tuple[date, date]:
    """The first and the last day of what `text` names."""
    if text in ("today", "yesterday"):
        day = today if text == "today" else today - timedelta(days=1)
        return day, day
    try:
        if month := _MONTH.fullmatch(text):
            first = date(int(month[1]), int(month[2]), 1)
            return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        day = date.fromisoformat(text)
    except ValueError as exc:
        raise Unclear(name, f"{text!r} is no {_DAYS}") from exc
    return day, day
