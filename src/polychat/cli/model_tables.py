"""`[[model]]` of polychat.toml: a MODEL of `up` with options of its own, those of `polychat worker`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from polychat.cli import settings
from polychat.cli.engine_flags import words
from polychat.errors import SetupError

_OTHER_NAMES = {"names": "model_names", "arguments": "engine_argument"}
_NOT_HERE = frozenset(  # told once for all, or of another kind of worker
    {
        "attach",
        "attach_key_env",
        "controller_address",
        "drain_timeout",
        "help",
        "host",
        "model_path",
        "no_register",
        "port",
        "remote",
        "token",
        "worker_address",
    }
)


@dataclass(frozen=True, slots=True)
class ModelTable:
    """One table, checked."""

    model: str
    flags: tuple[str, ...] = ()  # of `polychat worker`
    engine: str = ""  # "": as for every model
    revision: str | None = None
    program: str = ""


def model_tables(
    tables: Sequence[Mapping[str, object]], worker: Any, *, place: str
) -> tuple[ModelTable, ...]:  # Typer's vendored click has no public types
    """The models of a settings file at `place`; `worker` is the command whose options they have.

    Raises:
        SetupError: a table names no model, or an option that there is not or that does not take its value.
    """
    return tuple(_model_table(table, worker, f"{place}: [[model]]") for table in tables)


def _model_table(table: Mapping[str, object], worker: Any, place: str) -> ModelTable:
    model = table.get("model", "echo" if table.get("engine") == "echo" else None)
    if not isinstance(model, str) or not model:
        raise SetupError(f'{place} has no model; write model = "builtin", a file, a folder or a hub id')
    place = f"{place} {model}:"
    values = {key: value for key, value in table.items() if key != "model"}
    return ModelTable(
        model,
        flags=_flags(values, worker, place),
        engine=str(values.get("engine", "")),
        revision=str(values["revision"]) if "revision" in values else None,
        program=str(values.get("program", "")),
    )


def _flags(values: Mapping[str, object], worker: Any, place: str) -> tuple[str, ...]:
    from polychat import config

    known = {
        key: parameter
        for key, parameter in settings.by_key(worker).items()
        if parameter.name not in _NOT_HERE and parameter.name != "model"
    }
    known |= {other: known[name] for other, name in _OTHER_NAMES.items()}
    flags: dict[str, Any] = {}
    for key, value in values.items():
        if key not in known:
            raise SetupError(f"{place} there is no option {key!r}; {config.unknown(key, known)}")
        fitted = settings.checked(worker, known[key], value, place=f"{place} {key}")
        flags[_flag(known[key])] = fitted
    return words(flags)


def _flag(parameter: Any) -> str:
    """Its first long flag."""
    found: str = next(flag for flag in parameter.opts if flag.startswith("--"))
    return found
