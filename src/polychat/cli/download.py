"""`polychat download USER/REPO[:QUANT]`: fetches a model from a hub, so that a worker needs no network."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from polychat.engines.spec import ModelFiles, ModelFormat


def download(
    model: Annotated[str, typer.Argument(help="user/repo, user/repo:QUANT, or modelscope:user/repo.")],
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit.")] = None,
    source: Annotated[
        Literal["huggingface", "modelscope"], typer.Option("--from", help="The hub to fetch it from.")
    ] = "huggingface",
    include: Annotated[
        list[str] | None,
        typer.Option(
            help="Only files that match, such as '*.json', instead of what the model needs; repeat."
        ),
    ] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="No files that match; may be repeated.")] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare every file's checksum with the hub's.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A plain folder for the files, to carry elsewhere.")
    ] = None,
) -> None:
    """Download a model from a hub: a GGUF file, or a safetensors checkpoint without what it has twice."""
    from dataclasses import replace

    from polychat.engines import models
    from polychat.engines.store.download import download as fetch

    argument = model
    if source == "modelscope" and not model.startswith(models.MODELSCOPE):
        argument = models.MODELSCOPE + model
    hub, wish = models.on_hub(argument)
    files = fetch(
        hub,
        replace(
            wish,
            revision=revision,
            formats=_formats(),
            include=tuple(include or ()),
            exclude=tuple(exclude or ()),
            folder=output.expanduser() if output else None,
            verify=verify,
            refresh=True,
        ),
    )
    typer.echo(files.path)
    typer.echo(_next(argument, files, output, revision))


def _formats() -> "tuple[ModelFormat, ...]":
    """Both, first the one that this machine would run."""
    from polychat.engines import catalog, choice, machine, models

    best = choice.readable(machine.here(), catalog.installed())
    return tuple(dict.fromkeys((*best, *models.ANY_FORMAT)))


def _next(argument: str, files: "ModelFiles", output: Path | None, revision: str | None) -> str:
    import shlex

    if files.format == "reference":
        return "these files were asked for by name; whether they make a model is yours to know"
    if _is_adapter(files.path):
        return f"use it with: polychat worker BASE_MODEL --lora NAME={shlex.quote(str(files.path))}"
    words = [str(files.path) if output else argument]
    words += ["--revision", revision] if revision and not output else []
    return f"run it with: polychat worker {shlex.join(words)}"


def _is_adapter(folder: Path) -> bool:
    from polychat.engines import checkpoint_files as names

    return (folder / names.ADAPTER).is_file() and not (folder / names.CONFIG).exists()
