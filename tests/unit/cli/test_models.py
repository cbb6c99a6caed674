from pathlib import Path

import pytest
from rich.console import Console

from polychat.cli import models_disk, models_facts
from polychat.engines.models import resolve
from polychat.engines.store.shelf import Shelved
from polychat.engines.store.uses import Use
from tests.support import tiny_checkpoint


@pytest.mark.parametrize(
    ("size_bytes", "shown"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (5.5e6, "5.5 MB"), (16e9, "16.0 GB")],
)
def test_sizes_are_as_people_say_them(size_bytes: float, shown: str) -> None:
    assert models_disk.size(int(size_bytes)) == shown


def test_the_list_tells_who_uses_a_model_and_when_it_was_used() -> None:
    each = Shelved("acme/q", "folder", Path("/m/q"), 4_000_000_000, "gguf", ("Q4_K_M", "Q8_0"), used_at=0.0)
    console = Console(width=200)
    with console.capture() as printed:
        console.print(models_disk.table([each], [Use(path="/m/q/f", name="q", pid=7)], now_s=3.5 * 86400))
    row = [cell.strip() for cell in printed.get().splitlines()[1].split("  ") if cell.strip()]
    assert row == ["acme/q", "4.0 GB", "gguf", "Q4_K_M, Q8_0", "3 days ago", "q"]


def test_a_checkpoint_tells_its_memory_for_each_context(tmp_path: Path) -> None:
    folder = tiny_checkpoint.write(tmp_path / "tiny", tiny_checkpoint.files(tiny_checkpoint.LLAMA))
    facts = models_facts.of("tiny", resolve(str(folder)))
    assert (facts["architecture"], facts["kind"], facts["stored_as"]) == (
        "LlamaForCausalLM",
        "generate",
        "bfloat16",
    )
    assert facts["memory_bytes"] == {2048: 2000 + (512 << 20) + 2048 * 128 * 2}


def test_a_gguf_file_tells_its_memory_too() -> None:
    facts = models_facts.of("builtin", resolve("builtin"))
    assert (facts["architecture"], facts["kind"], facts["context_length"]) == ("llama", "generate", 2048)
