"""`polychat conformance`: whether an endpoint keeps to the published APIs."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from polychat.cli import options

if TYPE_CHECKING:
    from polychat.conformance.runner import Report, Result


def conformance(
    base_url: Annotated[
        str, typer.Option(help="The endpoint, ours or any other that speaks OpenAI's API.")
    ] = f"{options.API_URL}/v1",
    api_key: options.ApiKey = "",
    model: Annotated[
        list[str] | None, typer.Option(help="A model to try, several times; default: each that is served.")
    ] = None,
    only: Annotated[str, typer.Option(help="Which scenarios, such as 'tools.*'.")] = "*",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    db: options.Db = "",
) -> None:
    """Try a model's API, scenario by scenario, and print what departs from it. Status 1 if anything does.

    Results of a polychat are kept in its database, for `GET /v1/models/{id}`.
    """
    import asyncio
    import time

    from polychat.conformance import report
    from polychat.conformance.runner import Outcome

    reports, is_ours = asyncio.run(_run(base_url, api_key, model or [], only))
    taken_at = time.time()
    documents = [report.document(each, taken_at) for each in reports]
    if as_json:
        typer.echo(report.encoded(documents))
    else:
        typer.echo(report.matrix(reports, colour=sys.stdout.isatty()))
    if is_ours and only == "*":
        asyncio.run(_save(db, documents))
    if any(result.outcome is Outcome.RED for each in reports for result in each.results):
        raise typer.Exit(1)


async def _run(base_url: str, api_key: str, models: list[str], only: str) -> "tuple[list[Report], bool]":
    from polychat.conformance import runner
    from polychat.conformance.catalog import scenarios
    from polychat.errors import SetupError

    wanted = scenarios(only)
    if not wanted:
        raise SetupError(f"no scenario matches --only {only}; ids look like tools.required")
    async with runner.client(api_key, base_url) as http:
        targets = await runner.targets(http, base_url, models)
        reports = [await runner.run(target, wanted, _tell) for target in targets]
    return reports, targets[0].is_polychat


def _tell(result: "Result") -> None:
    """A dot for each scenario, for whoever waits at a terminal."""
    if sys.stderr.isatty():
        typer.echo({"green": ".", "red": "x", "none": "-"}[result.outcome], err=True, nl=False)


async def _save(db: str, documents: list[dict[str, object]]) -> None:
    """Keep each model's results. Only the whole run is kept: part of one would hide what it left out."""
    from polychat.cli.state import home, made
    from polychat.conformance.report import encoded
    from polychat.db import address
    from polychat.db.conformance import Conformance, ConformanceResult
    from polychat.db.database import Database

    database = Database(address.parse(db) if db else address.of_file(made(home()) / "polychat.db"))
    await database.open()
    try:
        for each in documents:
            taken_at = each["taken_at"]
            assert isinstance(taken_at, float)
            result = ConformanceResult(str(each["root"]), str(each["engine"]), taken_at, encoded(each))
            await Conformance(database).save(result)
    finally:
        await database.close()
