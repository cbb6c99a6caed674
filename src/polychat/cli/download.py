"""`polychat download USER/REPO[:QUANT]`: fetches a model from the hub, so that a worker needs no network."""

from typing import Annotated

import typer


def download(
    model: Annotated[str, typer.Argument(help="user/repo or user/repo:QUANT, such as …:Q4_K_M.")],
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit.")] = None,
) -> None:
    """Download a GGUF model from the Hugging Face Hub into its cache."""
    from polychat.engines import hub, models

    repo, quant = models.hub_id(model)
    files = hub.download(repo, quant=quant, revision=revision, refresh=True)
    typer.echo(files.path)
    typer.echo(f"run it with: polychat worker {model}")
