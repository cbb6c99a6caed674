"""polychat.toml and POLYCHAT_* variables as the defaults of commands' options.

Typer's vendored click has no public types, so commands and parameters are `Any` here and in `group.py`.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.exceptions import TyperException

from polychat.errors import SetupError

if TYPE_CHECKING:
    from polychat.config import Tables


def load(config: str, commands: Mapping[str, Any]) -> dict[str, dict[str, object]]:
    """The settings file's values as a default map: command -> parameter -> value, each one checked.

    Raises:
        SetupError: the file cannot be read, or a table, a key or a value in it is wrong.
    """
    path = file(config)
    if path is None:
        return {}
    from polychat import config as files

    defaults: dict[str, dict[str, object]] = {}
    for table, settings in _of_commands(files.read(path)).items():
        if table not in commands:
            raise SetupError(f"{path}: there is no command [{table}]; {files.unknown(table, commands)}")
        parameters = by_key(commands[table])
        for key, value in settings.items():
            if key not in parameters:
                raise SetupError(f"{path}: [{table}] has no {key!r}; {files.unknown(key, parameters)}")
            fitted = checked(commands[table], parameters[key], value, place=f"{path}: [{table}] {key}")
            defaults.setdefault(table, {})[parameters[key].name] = fitted
    return defaults


def _of_commands(tables: "Tables") -> "Tables":
    """The tables with [aliases] as an option of the api, which `polychat up` starts with the same file."""
    from polychat.config import ALIASES

    if ALIASES not in tables:
        return tables
    api = {"alias": tables[ALIASES], **tables.get("api", {})}
    return {name: table for name, table in tables.items() if name != ALIASES} | {"api": api}


def file(config: str = "") -> Path | None:
    """The settings file that holds: the one named, else by the environment, else the one that is found."""
    named = config or os.environ.get("POLYCHAT_CONFIG")
    return Path(named) if named else _found()


def explain(exc: TyperException) -> str:
    """A usage error in one line; a bad value from the environment is told by its variable's name."""
    context, parameter = getattr(exc, "ctx", None), getattr(exc, "param", None)
    if context is not None and parameter is not None:
        source = context.get_parameter_source(parameter.name)
        variable = _variable(context, parameter)
        if source is not None and source.name == "ENVIRONMENT" and variable:
            return f"{variable}={os.environ[variable]!r}: {exc.message}"
    return exc.format_message() + _typed(exc)


def _typed(exc: TyperException) -> str:
    """The value that does not do, which Typer leaves to pydantic's error behind its own."""
    errors = getattr(exc.__cause__ or exc.__context__, "errors", None)
    return f", not {errors()[0]['input']!r}" if errors else ""


def _found() -> Path | None:
    from polychat import config as files

    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return files.find(working_folder=Path(), config_home=Path(home))


def by_key(command: Any) -> dict[str, Any]:
    """Each name a setting may have -> its parameter: the parameter's own name and every long flag."""
    names = {}
    for parameter in command.params:
        flags = [
            flag.removeprefix("--").replace("-", "_") for flag in parameter.opts if flag.startswith("--")
        ]
        names.update(dict.fromkeys([parameter.name, *flags], parameter))
    return names


def _fitted(parameter: Any, value: object) -> object:
    """A list where the option takes words split by commas, or one word where it takes several, is as good."""
    takes_several = parameter.multiple or parameter.nargs == -1
    if isinstance(value, dict) and takes_several:
        return [f"{name}={word}" for name, word in value.items()]
    if isinstance(value, list) and not takes_several and all(isinstance(word, str) for word in value):
        return ",".join(value)
    return [value] if takes_several and not isinstance(value, list) else value


def checked(command: Any, parameter: Any, value: object, *, place: str) -> object:
    """`value` as the parameter takes it.

    Raises:
        SetupError: it does not; names `place`.
    """
    fitted = _fitted(parameter, value)
    try:
        parameter.process_value(typer.Context(command), fitted)
    except TyperException as exc:
        raise SetupError(f"{place} = {value!r}: {' '.join(exc.message.split())}") from exc
    return fitted


def _variable(context: Any, parameter: Any) -> str:
    named = [parameter.envvar] if isinstance(parameter.envvar, str) else list(parameter.envvar or ())
    names = [*named, f"{context.auto_envvar_prefix}_{parameter.name.upper()}"]
    return next((name for name in names if os.environ.get(name)), "")
