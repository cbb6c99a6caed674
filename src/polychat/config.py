"""Settings from polychat.toml: one table a command, its keys the command's options; lists of models to run.

Flags beat the environment, the environment beats the file. What a key may be called and hold is for the
command line to say; this module finds the file, reads it, and words what is wrong with a name.
"""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from polychat.errors import SetupError

FILE_NAME = "polychat.toml"
ALIASES = "aliases"  # the one table that is no command: another name for a model = its own
LISTS = ("model", "remote")  # written [[model]] and [[remote]], any number of times

Tables = Mapping[str, Mapping[str, object]]
"""command -> key with underscores -> value as TOML gave it"""


def find(*, working_folder: Path, config_home: Path) -> Path | None:
    """The settings file that holds when none is named: here, else the user's own, else none."""
    places = (working_folder / FILE_NAME, config_home / "polychat" / FILE_NAME)
    return next((place for place in places if place.is_file()), None)


def read(path: Path) -> Tables:
    """The tables of a settings file, the dashes in names turned into underscores.

    Raises:
        SetupError: the file is missing, unreadable, not TOML, or has a setting outside a table.
    """
    document = {name: value for name, value in _document(path).items() if name not in LISTS}
    return {_underscored(name): _table(name, value, path) for name, value in document.items()}


def read_list(path: Path, name: str) -> list[Mapping[str, object]]:
    """The tables of a list in LISTS, in order; keys as in `read`.

    Raises:
        SetupError: as `read`, or it is no list of tables.
    """
    tables = _document(path).get(name, [])
    if not isinstance(tables, list):
        raise SetupError(f"{path}: write [[{name}]], with two brackets, as there may be several")
    return [_table(f"[[{name}]]", table, path) for table in tables]


def _document(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise SetupError(f"cannot read the settings file {path}: {exc.strerror}") from exc
    except ValueError as exc:  # TOMLDecodeError and UnicodeDecodeError alike
        raise SetupError(f"{path} is not TOML: {exc}") from exc


def unknown(name: str, known: Iterable[str]) -> str:
    """What to tell of a name that is none of `known`: the nearest, or all."""
    choices = sorted(known)
    nearest = difflib.get_close_matches(name, choices, n=1)
    return f"did you mean {nearest[0]!r}?" if nearest else f"there is {', '.join(choices)}"


def _table(name: str, value: object, path: Path) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise SetupError(
            f"{path}: {name} = {value!r} stands outside a table; put it under its command, such as [up]"
        )
    if name == ALIASES:
        return value  # its keys are names of models
    return {_underscored(key): setting for key, setting in value.items()}


def _underscored(name: str) -> str:
    return name.replace("-", "_")
