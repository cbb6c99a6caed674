from datetime import date

import pytest

from polychat.db.database import Database
from polychat.db.unclear import Unclear
from polychat.db.usage import OUTCOMES, Account, Batch, Sums, Usage
from polychat.db.usage_report import Question, Row, as_csv, fields, question, rows
from polychat.gateway.journey import Outcome

TODAY = date(2026, 11, 23)
ANSWERED = Account("2026-11-23", "key_ann", "m", "/v1/chat/completions", "answered")
FAILED = Account("2026-11-23", "key_ann", "m", "/v1/chat/completions", "failed")
ONE = Sums(1, 10, 4, 5, 1, 0.25, 1.5, 0.5)


@pytest.fixture
async def usage(database: Database) -> Usage:
    usage = Usage(database)
    sums = {ANSWERED: ONE + ONE, FAILED: Sums(requests=1, duration_s=3.0)}
    await usage.add(Batch("w", 1, sums), now_s=10.0)
    return usage


def _asked(*, by: str = "key,model", since: str = "", until: str = "") -> Question:
    return question(by=by, since=since, until=until, today=TODAY)


def test_outcomes_are_those_of_the_gateway() -> None:
    assert tuple(Outcome) == OUTCOMES


def test_usage_is_this_months_if_nothing_else_is_said() -> None:
    assert _asked() == Question(("key", "model"), "2026-11-01", None)


@pytest.mark.parametrize(
    ("since", "until", "days"),
    [
        ("2026-11-02", "2026-11-03", ("2026-11-02", "2026-11-03")),
        ("2026-02", "2026-02", ("2026-02-01", "2026-02-28")),
        ("yesterday", "today", ("2026-11-22", "2026-11-23")),
        ("all", "2025-12", (None, "2025-12-31")),
    ],
)
def test_days_and_months_have_names(since: str, until: str, days: tuple[str | None, str]) -> None:
    asked = _asked(since=since, until=until)
    assert (asked.since_day, asked.until_day) == days


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("by", {"by": "colour"}),
        ("since", {"since": "2026-13"}),
        ("since", {"since": "soon"}),
        ("until", {"until": "2026-02-30"}),
        ("until", {"until": "2026-10-31"}),  # before this month
    ],
)
def test_a_word_that_cannot_be_read_is_named(name: str, words: dict[str, str]) -> None:
    with pytest.raises(Unclear) as caught:
        _asked(**words)
    assert caught.value.name == name


async def test_outcomes_stand_beside_each_other(usage: Usage) -> None:
    (row,) = await rows(usage, _asked())
    told = fields(row, ("key", "model"))
    assert told == {
        "key": "key_ann",
        "key_name": "",
        "model": "m",
        "requests": 3,
        "answered": 2,
        "refused": 0,
        "failed": 1,
        "cancelled": 0,
        "prompt_tokens": 20,
        "cached_tokens": 8,
        "completion_tokens": 10,
        "mean_ttft_s": 0.25,
        "mean_duration_s": 2.0,
        "engine_s": 1.0,
    }


async def test_outcomes_may_be_told_apart(usage: Usage) -> None:
    found = await rows(usage, _asked(by="outcome"))
    assert [(row.account.outcome, row.sums.requests) for row in found] == [("answered", 2), ("failed", 1)]


async def test_a_key_may_be_given_by_its_id(usage: Usage) -> None:
    assert len(await rows(usage, Question(keys=("key_ann",)))) == 1
    assert await rows(usage, Question(keys=("key_bob",))) == []


def test_a_name_is_no_formula_in_a_spreadsheet() -> None:
    row = Row(Account(model="=1+1"), "", ONE)
    assert as_csv([row], ("model",)).splitlines()[1].startswith("'=1+1,1,")


def test_nobody_used_anything_is_a_csv_of_names() -> None:
    assert as_csv([], ("day",)).startswith("day,requests,answered,")
