"""What `polychat convert` refuses before anything is converted, and how its programs are run."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from polychat.cli.convert import convert
from polychat.cli.main import main
from polychat.engines.models import BUILTIN_PATH
from tests.support import tiny_checkpoint

QUANTIZE = """#!{python}
import sys
open(sys.argv[2], "w").write(open(sys.argv[1]).read() + sys.argv[3])
"""
SCRIPT = """import pathlib, sys
def main():
    arguments = sys.argv[1:]
    pathlib.Path(arguments[2]).write_text(f"made {arguments[3:]}")
"""
Run = Callable[..., int]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkpoint of zeros; the working folder is another."""
    checkpoint = tmp_path / "tiny"
    checkpoint.mkdir()
    for name, content in tiny_checkpoint.files().items():
        (checkpoint / name).write_bytes(content)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return checkpoint


def converter(folder: Path, text: str = SCRIPT) -> str:
    """A program that stands where llama.cpp's converter does."""
    script = folder.parent / "convert_hf_to_gguf.py"
    script.write_text(text)
    return str(script)


def run(*argv: str) -> int:
    return main(["convert", *argv], [convert])


def test_a_checkpoint_becomes_a_file_named_after_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(folder), "--quant", "q8_0", "--converter", converter(folder)) == 0
    assert Path("tiny-Q8_0.gguf").read_text() == "made ['--outtype', 'q8_0']"
    assert "run it with: polychat up tiny-Q8_0.gguf" in capsys.readouterr().out


def test_types_that_the_converter_lacks_are_made_by_llama_quantize(folder: Path) -> None:
    program = folder.parent / "llama-quantize"
    program.write_text(QUANTIZE.format(python=sys.executable))
    program.chmod(0o755)
    options = ("--quant", "q4_k_m", "--converter", converter(folder), "--llama-quantize", str(program))
    assert run(str(folder), "-o", "out.gguf", *options) == 0
    assert Path("out.gguf").read_text() == "made ['--outtype', 'auto']Q4_K_M"
    assert [path.name for path in Path().iterdir()] == ["out.gguf"]


def test_a_failed_conversion_says_its_last_line_and_leaves_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = converter(folder, SCRIPT + "    raise ValueError('no such rope')\n")
    assert run(str(folder), "--converter", script) == 1
    assert "was not converted: ValueError: no such rope" in capsys.readouterr().err
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("NotImplementedError: BPE pre-tokenizer was not recognized", "with --pre-tokenizer"),
        ("ERROR:hf-to-gguf:Model XForCausalLM is not supported", "--engine transformers"),
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("ModuleNotFoundError: No module named 'sentencepiece'", "pip install 'polychat[convert]'"),
    ],
)
def test_what_the_converter_often_says_is_explained(
    folder: Path, capsys: pytest.CaptureFixture[str], line: str, said: str
) -> None:
    script = converter(folder, f"import sys\ndef main():\n    sys.exit({line!r})\n")
    assert run(str(folder), "--converter", script) == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_an_existing_file_is_kept(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("tiny.gguf").write_text("mine")
    assert run(str(folder), "--converter", converter(folder)) == 1
    assert "tiny.gguf exists already" in capsys.readouterr().err
    assert Path("tiny.gguf").read_text() == "mine"


def test_code_of_the_checkpoint_is_not_run_unasked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = json.loads((folder / "config.json").read_bytes()) | {"auto_map": {"AutoModel": "code.Model"}}
    (folder / "config.json").write_text(json.dumps(config))
    assert run(str(folder), "--converter", converter(folder)) == 1
    assert "pass --trust-remote-code" in capsys.readouterr().err
    assert run(str(folder), "--converter", converter(folder), "--trust-remote-code") == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--quant", "Q4_K_M", "--llama-quantize", "/nowhere/llama-quantize"), "needs llama.cpp's program"),
        (("-o", "nowhere/out.gguf"), "there is no folder nowhere"),
        (("--converter", "other.py"), "is not llama.cpp's convert_hf_to_gguf.py"),
    ],
)
def test_what_cannot_work_is_refused_at_once(
    folder: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], said: str
) -> None:
    assert run(str(folder), *("--converter", converter(folder)), *options) == 1
    assert said in capsys.readouterr().err


def test_damaged_weights_are_found_before_the_converter_runs(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "model.safetensors").write_bytes(b"garbage")
    assert run(str(folder), "--converter", converter(folder)) == 1
    assert "model.safetensors is damaged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("model", "said"), [(str(BUILTIN_PATH), "is GGUF already"), ("./nowhere/at/all", "there is no model")]
)
def test_what_is_no_checkpoint_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], model: str, said: str
) -> None:
    assert run(model) == 1
    assert said in capsys.readouterr().err
