"""What `polychat up` runs: MODELs of the command line, or [[model]]s; attached servers, and [[remote]]s."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from polychat.cli import attaching, settings
from polychat.cli.model_tables import ModelTable, model_tables


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the models come from."""

    models: tuple[ModelTable, ...] = ()
    attached: tuple[str, ...] = ()  # addresses
    attach_key_env: str = ""
    remotes: tuple[str, ...] = ()  # names

    @property
    def names(self) -> tuple[str, ...]:
        """The models to run here, as their worker is told."""
        return tuple(table.model for table in self.models)


def sources(
    models: Sequence[str], attached: Sequence[str], *, attach_key_env: str, engine: str, worker: Any
) -> Sources:  # Typer's vendored click has no public types
    """MODELs given in words replace those of the file; without anything else there is the built-in one.

    Raises:
        SetupError: the file is wrong, an address is none, or a key is not in the environment.
    """
    from polychat.engines.attached.address import places

    for address in attached:
        places(address, flag="--attach")
    attaching.key_of(attach_key_env)
    remotes = attaching.remotes()
    for remote in remotes.values():
        remote.access(os.environ)
    tables = tuple(ModelTable(model) for model in models) or _of_file(worker)
    if not (tables or attached or remotes):
        tables = (ModelTable("echo" if engine == "echo" else "builtin"),)
    return Sources(tables, tuple(attached), attach_key_env, tuple(remotes))


def worker_command(ctx: Any) -> Any:
    """The command `worker`, from the context of another one."""
    return ctx.parent.command.commands["worker"]


def _of_file(worker: Any) -> tuple[ModelTable, ...]:
    path = settings.file()
    if path is None:
        return ()
    from polychat import config

    return model_tables(config.read_list(path, "model"), worker, place=str(path))
