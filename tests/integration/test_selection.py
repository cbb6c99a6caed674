"""Which engine a model of a hub gets, and what is said before anything is downloaded."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from polychat.engines.choice import Choice
from polychat.engines.machine import Gpu, Machine
from polychat.engines.selection import Around, select
from polychat.engines.spec import ModelFiles
from polychat.errors import SetupError
from tests.support import tiny_checkpoint
from tests.support.fake_hub import FakeHub, serving

REPO = "acme/tiny"
CPU = Machine(1 << 40)
GPU = Machine(1 << 40, (Gpu("NVIDIA", "H100", 1 << 36),))
BOTH = frozenset({"transformers", "vllm"})
NONE: frozenset[str] = frozenset()


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    repos = {REPO: tiny_checkpoint.files(), "acme/both": tiny_checkpoint.files() | {"tiny.gguf": b"GGUF"}}
    with serving(FakeHub(repos, quantised={REPO: "acme/tiny-GGUF"})) as hub:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
        template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        yield hub


@pytest.mark.parametrize(
    ("machine", "installed", "line"),
    [
        (
            CPU,
            NONE,
            r"pip install 'polychat\[transformers\]'; or `polychat up acme/tiny-GGUF` runs the model",
        ),
        (GPU, NONE, r"pip install 'polychat\[vllm\]'"),
    ],
)
def test_what_nobody_reads_is_refused_before_it_is_downloaded(
    hub: FakeHub, machine: Machine, installed: frozenset[str], line: str
) -> None:
    with pytest.raises(
        SetupError, match=f"{REPO} is safetensors, and no engine for that is installed: {line}"
    ):
        select(REPO, around=Around(machine, installed))
    assert hub.downloads == []


def test_on_a_cpu_the_gguf_files_of_the_model_are_suggested_once(hub: FakeHub) -> None:
    first = select(REPO, around=Around(CPU, BOTH))
    assert first.choice == Choice("transformers", "it is safetensors, without a GPU")
    assert "`polychat up acme/tiny-GGUF` runs the model from GGUF files" in first.hint
    asked = len(hub.requests)
    again = select(REPO, around=Around(CPU, BOTH))
    assert (again.choice, again.hint, len(hub.requests)) == (first.choice, "", asked)


def test_on_a_gpu_nothing_is_suggested(hub: FakeHub) -> None:
    selected = select(REPO, around=Around(GPU, BOTH))
    assert (selected.choice.engine, selected.hint) == ("vllm", "")


@pytest.mark.parametrize(
    ("machine", "engine", "format_"), [(CPU, "llamacpp", "gguf"), (GPU, "vllm", "checkpoint")]
)
def test_of_a_repository_with_both_the_faster_format_comes(
    hub: FakeHub, machine: Machine, engine: str, format_: str
) -> None:
    selected = select("acme/both", around=Around(machine, BOTH))
    assert isinstance(selected.model, ModelFiles)
    assert (selected.choice.engine, selected.model.format) == (engine, format_)


def test_a_model_that_nobody_has_made_gguf_files_of_gets_no_hint(hub: FakeHub) -> None:
    hub.quantised.clear()
    assert select(REPO, around=Around(CPU, BOTH)).hint == ""


def test_an_engine_that_is_elsewhere_needs_no_extra(tmp_path: Path) -> None:
    folder = str(tiny_checkpoint.write(tmp_path / "tiny"))
    with pytest.raises(SetupError, match=r"vllm is not installed: pip install"):
        select(folder, engine="vllm", around=Around(GPU, NONE))
    selected = select(folder, engine="vllm", program="/opt/vllm/bin/vllm", around=Around(GPU, NONE))
    assert selected.choice == Choice("vllm", "it was asked for")


def test_a_folder_nobody_reads_is_refused(tmp_path: Path) -> None:
    folder = str(tiny_checkpoint.write(tmp_path / "tiny"))
    with pytest.raises(SetupError, match="no engine for that is installed"):
        select(folder, around=Around(CPU, NONE))


def test_a_damaged_checkpoint_is_told_before_an_engine_is_started(tmp_path: Path) -> None:
    folder = tiny_checkpoint.write(tmp_path / "tiny")
    (folder / "model.safetensors").write_bytes(b"\0" * 5)
    with pytest.raises(SetupError, match=r"model\.safetensors is damaged: it ends after 5 bytes"):
        select(str(folder), around=Around(CPU, BOTH))


def test_echo_needs_no_model() -> None:
    assert select("echo", around=Around(CPU, NONE)).model is None


def test_no_model_at_all_says_what_there_may_be() -> None:
    with pytest.raises(SetupError, match="which model"):
        select("", around=Around(CPU, NONE))
