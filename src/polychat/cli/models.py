"""`polychat models`: what the API serves; `models list`, `show` and `rm`: what is on this disk."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from polychat.cli import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from polychat.client import ModelCard

models = typer.Typer(name="models", rich_markup_mode=None, add_completion=False)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Name = Annotated[str, typer.Argument(help="A model of `polychat models list`, a file or a folder.")]


@models.callback(invoke_without_command=True)
def served(
    ctx: typer.Context,
    api_url: options.ApiUrl = options.API_URL,
    api_key: options.ApiKey = "",
    as_json: Json = False,
) -> None:
    """List the models that the API serves; `list`, `show` and `rm` are about those on this disk."""
    import asyncio
    import json
    from dataclasses import asdict

    if ctx.invoked_subcommand is not None:
        return
    cards = asyncio.run(fetched(api_url, api_key))
    if as_json:
        typer.echo(json.dumps([asdict(card) for card in cards], indent=2, ensure_ascii=False))
    elif cards:
        show_table(table(cards))
    else:
        typer.echo("No model is served yet; `polychat status` shows what is coming.")


@models.command("list")
def list_(as_json: Json = False) -> None:
    """List the models on this disk: size, format, when they were used last, and by whom they are used now."""
    from polychat.cli import models_disk

    models_disk.print_all(as_json=as_json)


@models.command()
def show(name: Name, as_json: Json = False) -> None:
    """Show what a model on this disk is, what it needs, and which engine would run it."""
    from polychat.cli import models_facts

    models_facts.print_facts(name, as_json=as_json)


@models.command()
def rm(
    name: Annotated[str, typer.Argument(help="A model of `polychat models list`.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove a model from this disk."""
    from polychat.cli import models_disk

    models_disk.remove(name, is_sure=yes)


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


def show_table(shown: "Table") -> None:
    from rich.console import Console

    width = None if sys.stdout.isatty() else 400  # a pipe has no edge at which to cut
    Console(highlight=False, width=width).print(shown)


async def fetched(api_url: str, api_key: str) -> "list[ModelCard]":
    """The models that the API serves."""
    from polychat.client import Client

    async with Client(api_url, api_key=api_key) as client:
        return await client.models()
