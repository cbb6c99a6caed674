"""`polychat status`: the replicas as the controller knows them, live."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from polychat.cli import options

if TYPE_CHECKING:
    from polychat.cli.status_view import Row


def status(
    controller_address: options.ControllerAddress = options.CONTROLLER_ADDRESS,
    token: options.Token = "",
    once: Annotated[bool, typer.Option("--once", help="Print the table once and leave.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON once and leave.")] = False,
) -> None:
    """Show models, replicas, their state and load, each second until Ctrl-C."""
    import json
    from dataclasses import asdict

    from polychat.cli.status_view import Source

    source = Source(controller_address, token)
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in source.settled_rows()], indent=2, ensure_ascii=False))
    elif once or not sys.stdout.isatty():
        _print_once(source.settled_rows())
    else:
        _follow(source.rows, title=f"polychat at {controller_address}")


def _print_once(rows: "list[Row]") -> None:
    from rich.console import Console

    from polychat.cli.status_view import table

    if rows:
        width = None if sys.stdout.isatty() else 400  # a pipe has no edge at which to cut
        Console(highlight=False, width=width).print(table(rows))
    else:
        typer.echo("No replica has registered; `polychat worker MODEL` starts one.")


def _follow(read: "Callable[[], list[Row]]", *, title: str) -> None:
    """Redraw each second. A controller that is away is said in the table's place, and asked again."""
    import time

    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    from polychat.cli.status_view import table
    from polychat.errors import SetupError

    with Live(auto_refresh=False, screen=False) as live:
        while True:
            try:
                body = table(read())
                heading = Text(f"{title}  {time.strftime('%H:%M:%S')}  (Ctrl-C leaves)", style="dim")
                live.update(Group(heading, body), refresh=True)
            except SetupError as exc:
                live.update(Text(f"{exc}; trying again …", style="yellow"), refresh=True)
            time.sleep(1)
