"""`polychat convert FOLDER|HUBID`: makes a GGUF file of a checkpoint, for llama.cpp."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from polychat.engines.spec import ModelFiles


def convert(
    model: Annotated[str, typer.Argument(help="A folder with safetensors, or a hub id such as user/repo.")],
    to: Annotated[Literal["gguf"], typer.Option(help="The format to make.")] = "gguf",
    quant: Annotated[
        str,
        typer.Option(
            help="F32, F16, BF16, Q8_0, or what llama-quantize makes, such as Q4_K_M; auto: 16 bits."
        ),
    ] = "auto",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="The file to write; by default MODEL-QUANT.gguf.", show_default=False
        ),
    ] = None,
    pre_tokenizer: Annotated[
        str,
        typer.Option(help="How llama.cpp splits text, for tokenizers that the converter does not recognise."),
    ] = "",
    converter: Annotated[
        Path | None,
        typer.Option(
            help="llama.cpp's own convert_hf_to_gguf.py instead of the package's.", show_default=False
        ),
    ] = None,
    llama_quantize: Annotated[
        Path | None,
        typer.Option(help="llama.cpp's program llama-quantize, if not on the PATH.", show_default=False),
    ] = None,
    trust_remote_code: Annotated[
        bool, typer.Option("--trust-remote-code", help="Run the Python code that the checkpoint brings.")
    ] = False,
) -> None:
    """Make a GGUF file of a checkpoint with llama.cpp's converter (pip install 'polychat[convert]')."""
    import shlex

    from polychat.engines.convert import KEEP, Conversion, default_output
    from polychat.engines.convert import convert as make

    files = _checkpoint(model)
    wanted = quant.lower() if quant.lower() == KEEP else quant.upper()
    wish = Conversion(
        files.path,
        output.expanduser() if output else default_output(files.id.rpartition("/")[2], wanted),
        wanted,
        pre_tokenizer,
        converter.expanduser() if converter else None,
        llama_quantize.expanduser() if llama_quantize else None,
        trust_remote_code,
    )
    made = make(wish, tell=_teller())
    typer.echo(f"{made} ({made.stat().st_size / 1e6:.1f} MB)")
    typer.echo(f"run it with: polychat up {shlex.quote(str(made))}")


def _checkpoint(model: str) -> "ModelFiles":
    from polychat.engines import models
    from polychat.errors import SetupError

    files = models.resolve(model, formats=("checkpoint",))
    if files.format != "checkpoint":
        raise SetupError(f"{model} is GGUF already; `polychat up {model}` runs it")
    return files


def _teller() -> "Callable[[str], None]":
    """Shows how far the writing is, on one line of a terminal; nothing elsewhere."""
    import sys

    def tell(line: str) -> None:
        if "%|" in line and sys.stderr.isatty():
            typer.echo(f"\r\x1b[K{line[:78]}", err=True, nl=False)

    return tell
