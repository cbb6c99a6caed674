"""`--alias NAME=MODEL`: other names under which the API answers for a model."""

from collections.abc import Sequence
from typing import Annotated

import typer

from polychat.errors import SetupError

Aliases = Annotated[
    list[str] | None,
    typer.Option("--alias", metavar="NAME=MODEL", help="Answer for MODEL under NAME too; may be repeated."),
]


def parse(pairs: Sequence[str]) -> dict[str, str]:
    """Alias -> model.

    Raises:
        SetupError: one has not the form NAME=MODEL, a name is given twice, or leads to another alias.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        name, _, model = (part.strip() for part in pair.partition("="))
        if not (name and model):
            raise SetupError(f"--alias {pair!r} has not the form NAME=MODEL")
        if name in found:
            raise SetupError(f"--alias gives {name!r} twice; one name means one model")
        found[name] = model
    for name, model in found.items():
        if model in found:
            raise SetupError(f"--alias {name}={model}: {model} is an alias itself; name the model")
    return found
