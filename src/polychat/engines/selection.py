"""From a model argument and `--engine` to the files and the engine that runs them, each with its reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from polychat.engines import catalog, checkpoint, choice, machine, models
from polychat.engines.checkpoint import Kind
from polychat.engines.choice import Choice, Facts
from polychat.engines.machine import Machine
from polychat.engines.spec import ModelFiles, ModelFormat
from polychat.errors import SetupError

_ASKED = "it was asked for"


@dataclass(frozen=True, slots=True)
class Around:
    """What there is to run models with."""

    machine: Machine
    installed: frozenset[str]  # engines of extras

    @classmethod
    def look(cls) -> Self:
        return cls(machine.here(), catalog.installed())


@dataclass(frozen=True, slots=True)
class Selected:
    """What will run."""

    choice: Choice
    model: ModelFiles | None  # None: the engine has none
    hint: str = ""  # what would run better


def select(
    argument: str,
    *,
    engine: str = "auto",
    revision: str | None = None,
    program: str = "",
    around: Around | None = None,
) -> Selected:
    """The engine for a model argument, and the model's files, downloaded if they are not here.

    What no engine here can run is refused before it is downloaded. `program`: as in `--program`, of an engine
    that is installed elsewhere.

    Raises:
        SetupError: no such engine or model, or the one does not run the other; says what to do.
    """
    name = catalog.named(engine, argument)
    if name != "auto" and not catalog.READS[name]:
        return Selected(Choice(name, _ASKED), None)
    if not argument:
        raise SetupError(
            "which model? `polychat worker builtin`, a GGUF file, a folder, or a hub id such as user/repo"
        )
    around = around or Around.look()
    if not program:
        choice.require_installed(name, around.installed)
        catalog.require_program(name)
    was_here = _is_here(argument, revision)
    model = _files(argument, name, revision, around)
    facts = facts_of(argument, model)
    hint = "" if was_here or around.machine.gpus or not _has_ggufs(facts) else _sibling(argument)
    return Selected(_choice(name, facts, around), model, hint)


def facts_of(argument: str, model: ModelFiles) -> Facts:
    """What the choice depends on. Raises SetupError when a checkpoint is damaged or not whole."""
    kind = checkpoint.read(model.path).kind if model.format == "checkpoint" else Kind.GENERATE
    return Facts(argument, model.format, kind)


def _files(argument: str, name: str, revision: str | None, around: Around) -> ModelFiles:
    from polychat.engines.store.wish import WrongFormat

    formats = _formats(name, around)
    if formats == ("reference",) or ("reference" in formats and not _lies_here(argument)):
        return ModelFiles(Path(argument), argument, format="reference")
    try:
        return models.resolve(
            argument, revision=revision, formats=[each for each in formats if each != "reference"]
        )
    except WrongFormat as exc:
        raise SetupError(_unreadable(argument, name, exc.format, around)) from exc


def _formats(name: str, around: Around) -> Sequence[ModelFormat]:
    """What the model is wanted in, the best first."""
    if name == "auto":
        return choice.readable(around.machine, around.installed)
    return tuple(sorted(catalog.READS[name]))


def _choice(name: str, facts: Facts, around: Around) -> Choice:
    if name == "auto":
        return choice.choose(facts, around.machine, around.installed)
    choice.require_reads(name, catalog.READS[name], facts)
    return Choice(name, _ASKED)


def _unreadable(argument: str, name: str, format_: ModelFormat, around: Around) -> str:
    """What to say of a repository whose only format nobody here reads."""
    if name == "auto":
        sibling = _sibling(argument)
        return choice.missing(argument, around.machine) + (f"; or {sibling}" if sibling else "")
    return choice.unread(name, catalog.READS[name], Facts(argument, format_))


def _has_ggufs(facts: Facts) -> bool:
    return facts.format == "checkpoint" and facts.kind in (Kind.GENERATE, Kind.VISION)


def _lies_here(argument: str) -> bool:
    return argument in models.BUILTIN_WORDS or Path(argument).expanduser().exists()


def _is_here(argument: str, revision: str | None) -> bool:
    try:
        return models.cached(argument, revision=revision) is not None
    except SetupError:
        return True  # a file or folder with something amiss, which is told in its own time


def _sibling(argument: str) -> str:
    """A hint at a repository with GGUF files of the same model, if the hub tells of one in time."""
    if argument.startswith(models.MODELSCOPE) or models.local(argument) is not None:
        return ""
    from polychat.engines.store import hub

    found = hub.gguf_sibling(models.hub_id(argument)[0])
    return (
        f"`polychat up {found}` runs the model from GGUF files, several times faster on a CPU"
        if found
        else ""
    )
