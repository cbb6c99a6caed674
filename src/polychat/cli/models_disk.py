"""`polychat models list` and `rm`: the models on this disk."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict

import typer
from rich.table import Table

from polychat.cli import models, state
from polychat.engines.store import shelf, uses
from polychat.engines.store.shelf import Shelved
from polychat.engines.store.uses import Use

USES = "uses"  # the folder in POLYCHAT_HOME with a note of each running worker
OWN = "models"  # the folder in POLYCHAT_HOME with models of one's own
_DAY_S = 86400.0


def print_all(*, as_json: bool) -> None:
    found = shelf.everything(state.home() / OWN)
    using = uses.held(state.home() / USES)
    if as_json:
        typer.echo(json.dumps([_facts(each, using) for each in found], indent=2, ensure_ascii=False))
    elif found:
        models.show_table(table(found, using, now_s=time.time()))
    else:
        typer.echo("No model is on this disk; `polychat download USER/REPO` gets one.")


def remove(name: str, *, is_sure: bool) -> None:
    """Ask, remove, and say how much room that made."""
    each = shelf.find(name, shelf.everything(state.home() / OWN))
    using = uses.held(state.home() / USES)
    shelf.require_removable(each, using)
    if not is_sure:
        typer.confirm(f"Remove {each.name} ({size(each.size_bytes)}) from {each.path}?", abort=True)
    freed_bytes = shelf.remove(each)
    typer.echo(f"removed {each.name}: {freed_bytes} bytes ({size(freed_bytes)}) are free again")


def table(found: Sequence[Shelved], using: Sequence[Use], *, now_s: float) -> Table:
    """One row a model."""
    shown = Table("MODEL", "SIZE", "FORMAT", "WEIGHTS", "LAST USED", "USED BY", box=None, pad_edge=False)
    for column in shown.columns:
        column.overflow = "fold"
    for each in found:
        who = ", ".join(use.name for use in shelf.users(each, using))
        weights = ", ".join(each.quants) or "-"
        shown.add_row(each.name, size(each.size_bytes), each.format, weights, _ago(each, now_s), who or "-")
    return shown


def size(size_bytes: int) -> str:
    """A size in the unit that people would choose."""
    for unit, least in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size_bytes >= least:
            return f"{size_bytes / least:.1f} {unit}"
    return f"{size_bytes} B"


def _ago(each: Shelved, now_s: float) -> str:
    if each.used_at is None:
        return "-"
    days = int((now_s - each.used_at) / _DAY_S)
    return "today" if days < 1 else "yesterday" if days == 1 else f"{days} days ago"


def _facts(each: Shelved, using: Sequence[Use]) -> dict[str, object]:
    who = [{"name": use.name, "pid": use.pid} for use in shelf.users(each, using)]
    return asdict(each) | {"path": str(each.path), "used_by": who}
