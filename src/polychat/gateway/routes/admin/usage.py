"""GET /admin/usage: what has been used, as `polychat usage` tells it."""

from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from polychat.db import usage_report
from polychat.db.unclear import Unclear
from polychat.db.usage import Usage
from polychat.db.usage_report import Question
from polychat.errors import RequestError
from polychat.gateway.exchange import Exchange
from polychat.gateway.state import Gateway
from polychat.schema.answers.admin import UsageList, UsageRow

_FORMATS = ("json", "csv")


async def usage(gateway: Gateway, exchange: Exchange) -> None:
    query = exchange.query
    asked, kind = _question(query), query.get("format") or "json"
    if kind not in _FORMATS:
        raise RequestError(f"format: has no {kind!r}; choose {' or '.join(_FORMATS)}.", param="format")
    rows = await usage_report.rows(Usage(gateway.database), asked)
    if kind == "csv":
        text = usage_report.as_csv(rows, asked.by)
        await exchange.answer(text.encode(), content_type="text/csv; charset=utf-8")
        return
    data = [msgspec.convert(usage_report.fields(row, asked.by), UsageRow) for row in rows]
    await exchange.json(msgspec.json.encode(UsageList(data=data)))


def _question(query: dict[str, str]) -> Question:
    try:
        asked = usage_report.question(
            by=query.get("by", ",".join(usage_report.DEFAULT_BY)),
            since=query.get("since", ""),
            until=query.get("until", ""),
            today=datetime.now(UTC).date(),
        )
    except Unclear as exc:
        raise RequestError(f"{exc.name}: {exc}.", param=exc.name) from exc
    return replace(asked, keys=_words(query.get("key", "")), models=_words(query.get("model", "")))


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for part in text.split(",") if (word := part.strip()))
