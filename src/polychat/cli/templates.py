"""`polychat templates`: the chat templates for models that bring none."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table


def templates(
    name: Annotated[
        str, typer.Argument(help="Print this template, or that of a file, instead of the list.")
    ] = "",
) -> None:
    """List the names that --chat-template takes and the models that get each, or print one as Jinja."""
    import sys

    from rich.console import Console

    from polychat.engines.templates import find

    if name:
        typer.echo(find(name).jinja, nl=False)
        return
    width = None if sys.stdout.isatty() else 400  # a pipe has no edge at which to cut
    Console(highlight=False, width=width).print(table())


def table() -> "Table":
    """One row a name, beside it a model of each kind that is recognised."""
    from rich.table import Table

    from polychat.engines.templates import examples_of, names

    shown = Table("NAME", "MODELS SUCH AS", box=None, pad_edge=False)
    for column in shown.columns:
        column.overflow = "fold"
    for each in names():
        shown.add_row(each, ", ".join(examples_of(each)) or "only when asked for")
    return shown
