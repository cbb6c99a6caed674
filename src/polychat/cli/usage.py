"""`polychat usage`: what has been used, by whom and of which model."""

from typing import TYPE_CHECKING, Annotated

import typer

from polychat.cli import options

if TYPE_CHECKING:
    from polychat.db.address import Address
    from polychat.db.usage_report import Question, Row

Days = "a day (2026-11-23), a month (2026-11), today or yesterday"


def usage(
    by: Annotated[
        str, typer.Option(help="What to tell apart: day, key, model, endpoint, outcome, split by commas.")
    ] = "key,model",
    since: Annotated[
        str, typer.Option(help=f"From when on: {Days}, or all; default: this month.", show_default=False)
    ] = "",
    until: Annotated[
        str, typer.Option(help="Until when, that day too; default: now.", show_default=False)
    ] = "",
    key: Annotated[list[str] | None, typer.Option(help="Only this key's, by id or name.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="Only this model's.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    db: options.Db = "",
) -> None:
    """Show requests, tokens and times by key and model. Days are UTC; a gateway writes twice a second."""
    import asyncio
    import json
    from dataclasses import replace
    from datetime import UTC, datetime

    from polychat.db import usage_report
    from polychat.db.unclear import Unclear
    from polychat.errors import SetupError

    if as_csv and as_json:
        raise SetupError("--csv and --json are two answers; leave one of them out")
    try:
        asked = usage_report.question(by=by, since=since, until=until, today=datetime.now(UTC).date())
    except Unclear as exc:
        raise SetupError(f"--{exc.name}: {exc}") from exc
    asked = replace(asked, keys=tuple(key or ()), models=tuple(model or ()))
    rows = asyncio.run(_rows(_place(db), asked))
    if as_csv:
        typer.echo(usage_report.as_csv(rows, asked.by), nl=False)
    elif as_json:
        typer.echo(json.dumps([usage_report.fields(row, asked.by) for row in rows], indent=2))
    else:
        _print(rows, asked)


def _place(db: str) -> "Address":
    from polychat.cli.state import home
    from polychat.db import address

    return address.parse(db) if db else address.of_file(home() / "polychat.db")


async def _rows(place: "Address", asked: "Question") -> "list[Row]":
    from polychat.db.database import Database
    from polychat.db.usage import Usage
    from polychat.db.usage_report import rows

    if place.path is not None and not place.path.exists():  # it is not made for this
        return []
    database = Database(place)
    await database.open()
    try:
        return await rows(Usage(database), asked)
    finally:
        await database.close()


def _print(rows: "list[Row]", asked: "Question") -> None:
    from polychat.cli import usage_table
    from polychat.cli.models import show_table

    if rows:
        show_table(usage_table.table(rows, asked.by))
    else:
        typer.echo(f"Nothing has been used {usage_table.period(asked)}.")
