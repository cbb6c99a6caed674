"""`polychat models`: what the API serves."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from polychat.cli import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from polychat.client import ModelCard


def models(
    api_url: options.ApiUrl = options.API_URL,
    api_key: options.ApiKey = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """List the models that the API serves, and the other names each answers to."""
    import asyncio
    import json
    from dataclasses import asdict

    from rich.console import Console

    from polychat.client import Client

    async def fetch() -> "list[ModelCard]":
        async with Client(api_url, api_key=api_key) as client:
            return await client.models()

    cards = asyncio.run(fetch())
    if as_json:
        typer.echo(json.dumps([asdict(card) for card in cards], indent=2, ensure_ascii=False))
    elif cards:
        width = None if sys.stdout.isatty() else 400  # a pipe has no edge at which to cut
        Console(highlight=False, width=width).print(table(cards))
    else:
        typer.echo("No model is served yet; `polychat status` shows what is coming.")


def table(cards: "Sequence[ModelCard]") -> "Table":
    """One row a model, its other names beside it."""
    from rich.table import Table

    shown = Table("MODEL", "CONTEXT", "ALSO CALLED", box=None, pad_edge=False)
    for column in shown.columns:
        column.overflow = "fold"
    for root in dict.fromkeys(card.root for card in cards):
        names = [card for card in cards if card.root == root]
        others = [card.id for card in names if card.id != root]
        context = names[0].context_length
        shown.add_row(root, str(context) if context else "-", ", ".join(others))
    return shown
