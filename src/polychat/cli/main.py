"""The program `polychat`: finds the command, runs it, and prints what went wrong as one line.

To add a command: a file beside this one with one function of the command's name, and its name in COMMANDS.
Command modules import only Typer and the standard library at their top, so that `polychat --help` answers
at once.
"""

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated

import typer
from typer.exceptions import TyperException

from polychat import __version__
from polychat.cli import logs, secret_files, settings
from polychat.cli.group import PolychatGroup
from polychat.errors import PlatformError, SetupError

COMMANDS = (
    "up",
    "chat",
    "models",
    "status",
    "controller",
    "worker",
    "api",
    "web",
    "download",
    "convert",
    "templates",
    "keys",
    "usage",
    "bench",
    "simulate",
    "conformance",
    "doctor",
)


def run() -> None:
    """The console script's entry."""
    if os.environ.pop("POLYCHAT_LIFELINE", "") == "1":
        from polychat import lifeline

        lifeline.end_with_parent()
    sys.exit(main(sys.argv[1:], our_commands()))


Command = Callable[..., None] | typer.Typer


def our_commands() -> list[Command]:
    """Every command's function, named as the command is, or its group of commands."""
    return [getattr(importlib.import_module(f"polychat.cli.{name}"), name) for name in COMMANDS]


def main(argv: Sequence[str], commands: Sequence[Command]) -> int:
    """Run one command line; the exit status."""
    try:
        secret_files.read(os.environ)
        return group_of(commands).main(args=argv, prog_name="polychat", standalone_mode=False) or 0
    except TyperException as exc:
        return _complain(_one_line(settings.explain(exc)) + _hint(exc), status=exc.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except (SetupError, PlatformError, OSError, BaseExceptionGroup) as exc:
        if os.environ.get("POLYCHAT_DEBUG"):
            raise
        return _complain(_explain(exc), status=1)


def group_of(commands: Sequence[Command]) -> PolychatGroup:
    """The root command with `commands` under it."""
    app = typer.Typer(
        cls=PolychatGroup, rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False
    )
    app.callback(
        invoke_without_command=True,
        context_settings={"auto_envvar_prefix": "POLYCHAT", "max_content_width": 100},
    )(_root)
    for command in commands:
        if isinstance(command, typer.Typer):
            app.add_typer(command)
        else:
            app.command(command.__name__)(command)
    group = typer.main.get_command(app)
    assert isinstance(group, PolychatGroup)
    order = [_name(command) for command in commands]
    group.commands = dict(sorted(group.commands.items(), key=lambda item: order.index(item[0])))
    return group


def _name(command: Command) -> str:
    return str(command.info.name) if isinstance(command, typer.Typer) else command.__name__


def _root(
    ctx: typer.Context,
    config: Annotated[
        str, typer.Option(help="Settings file; default ./polychat.toml.", show_default=False)
    ] = "",
    log_level: Annotated[
        str, typer.Option(help="debug, info, warning or error; default info.", show_default=False)
    ] = "",
    log_format: Annotated[
        str,
        typer.Option(help="Logs as pretty lines or as json; default pretty.", show_default=False),
    ] = "",
    tls_ca: Annotated[
        str,
        typer.Option(help="Trust certificates of this authority, too (PEM).", show_default=False),
    ] = "",
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", allow_from_autoenv=False)
    ] = False,
) -> None:
    """Many models, one service: `polychat up` starts everything; then see http://127.0.0.1:7860."""
    logs.choose(log_level, log_format)
    if tls_ca:
        _trust(tls_ca)
    if version:
        typer.echo(f"polychat {__version__}")
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def _trust(authority: str) -> None:
    """OpenSSL reads the variable itself, here and in the processes that we start."""
    if not os.path.isfile(authority):
        raise SetupError(f"--tls-ca {authority}: there is no such file")
    os.environ["SSL_CERT_FILE"] = os.path.abspath(authority)


def _complain(line: str, *, status: int) -> int:
    typer.echo(f"polychat: {line}", err=True)
    return status


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _hint(exc: TyperException) -> str:
    ctx: typer.Context | None = getattr(exc, "ctx", None)
    command = ctx.command_path if ctx else "polychat"
    return f" (see `{command} --help`)"


def _explain(exc: BaseException) -> str:
    while isinstance(exc, BaseExceptionGroup):
        exc = exc.exceptions[0]
    if isinstance(exc, OSError) and exc.strerror:
        return f"{exc.filename}: {exc.strerror}" if exc.filename else exc.strerror
    if isinstance(exc, SetupError | PlatformError | OSError):
        return _one_line(str(exc))
    raise exc
