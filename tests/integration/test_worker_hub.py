"""Models from a hub: `polychat download` against a small hub of our own, reached through HF_ENDPOINT."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from polychat.engines.store.download import require_room
from polychat.errors import SetupError
from tests.support import tiny_gguf
from tests.support.fake_hub import FakeHub, serving
from tests.support.processes import RoleProcess, free_port

REPO = "acme/tiny-GGUF"
PICKLE = {"config.json": b"{}", "pytorch_model.bin": b"", "tokenizer.json": b"{}"}


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return tiny_gguf.write(tmp_path_factory.mktemp("models") / "tiny.gguf").read_bytes()


@pytest.fixture
def hub(content: bytes) -> Iterator[FakeHub]:
    names = [
        "tiny-Q8_0.gguf",
        "tiny-Q4_K_M.gguf",
        "tiny-F16-00001-of-00002.gguf",
        "tiny-F16-00002-of-00002.gguf",
    ]
    files = {name: content + name.encode() for name in names}
    with serving(
        FakeHub(
            {
                REPO: files,
                "acme/secret": files,
                "acme/nothing-here": {"README.md": b""},
                "acme/pickle": PICKLE,
            }
        )
    ) as hub:
        hub.gated.add("acme/secret")
        yield hub


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "hf"


def polychat(*arguments: str, hub: FakeHub | str, home: Path, **env: str) -> tuple[int, str]:
    endpoint = hub if isinstance(hub, str) else hub.url
    settings = {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_PROGRESS_BARS": "1", **env}
    with RoleProcess(*arguments, env=settings) as process:
        return process.wait(timeout_s=30), process.output


def test_the_usual_quantisation_is_downloaded_once_and_then_needs_no_network(
    hub: FakeHub, home: Path
) -> None:
    status, output = polychat("download", REPO, hub=hub, home=home)
    assert status == 0, output
    path = path_in(output)
    assert path.name == "tiny-Q4_K_M.gguf"
    assert path.read_bytes() == hub.repos[REPO][path.name]
    assert len(hub.downloads) == 1
    status, output = polychat("download", REPO, hub=hub, home=home, HF_HUB_OFFLINE="1")
    assert (status, path_in(output)) == (0, path)
    assert len(hub.downloads) == 1


def test_a_worker_serves_a_cached_model_without_asking_anyone(hub: FakeHub, home: Path) -> None:
    polychat("download", f"{REPO}:Q8_0", hub=hub, home=home)
    asked = len(hub.requests)
    env = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home)}
    with RoleProcess("worker", REPO, "--no-register", "--port", str(free_port()), env=env) as worker:
        worker.wait_for_line(f"{REPO} at http://127.0.0.1:.* is ready")
    assert len(hub.requests) == asked


def test_all_parts_of_a_split_model_come(hub: FakeHub, home: Path) -> None:
    status, output = polychat("download", f"{REPO}:F16", hub=hub, home=home)
    assert status == 0, output
    path = path_in(output)
    assert path.name == "tiny-F16-00001-of-00002.gguf"
    assert path.with_name("tiny-F16-00002-of-00002.gguf").exists()


def test_an_interrupted_download_goes_on_where_it_stopped(hub: FakeHub, home: Path) -> None:
    hub.repos["acme/big"] = {"big.gguf": os.urandom(12 << 20)}  # huggingface_hub writes 10 MiB at a time
    hub.break_after_bytes = 11 << 20
    status, output = polychat("download", "acme/big", hub=hub, home=home)
    assert status == 0, output
    assert path_in(output).read_bytes() == hub.repos["acme/big"]["big.gguf"]
    assert hub.downloads[-1].endswith(f" bytes={10 << 20}-")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            [f"{REPO}:Q2_K"],
            f"{REPO} has no Q2_K; it has tiny-F16-00001-of-00002.gguf, tiny-Q4_K_M.gguf, tiny-Q8_0",
        ),
        (["acme/nothing"], "there is no model acme/nothing at http://127.0.0.1"),
        (["acme/secret"], "acme/secret is gated: accept its terms at http://127.0.0.1"),
        (
            ["acme/nothing-here"],
            "acme/nothing-here holds neither a GGUF file nor a checkpoint (config.json); it has README.md",
        ),
        (
            ["acme/pickle"],
            "acme/pickle has its weights only as pytorch_model.bin, a format that can run code",
        ),
        ([REPO, "--revision", "v9"], f"{REPO} has no revision 'v9'; check --revision"),
        (["not a model"], "there is no model 'not a model'"),
    ],
)
def test_what_the_hub_does_not_give_is_one_line(
    arguments: list[str], complaint: str, hub: FakeHub, home: Path
) -> None:
    status, output = polychat("download", *arguments, hub=hub, home=home)
    assert (status, output.count("\n")) == (1, 1), output
    assert complaint in output


def test_offline_without_a_cache_says_what_to_do(hub: FakeHub, home: Path) -> None:
    status, output = polychat("worker", REPO, hub=hub, home=home, HF_HUB_OFFLINE="1")
    assert (status, output.count("\n")) == (1, 1), output
    assert f"HF_HUB_OFFLINE is set; unset it, or run `polychat download {REPO}`" in output
    assert hub.requests == []


def test_a_hub_that_cannot_be_reached_is_one_line(home: Path) -> None:
    status, output = polychat("download", REPO, hub=f"http://127.0.0.1:{free_port()}", home=home)
    assert (status, output.count("\n")) == (1, 1), output
    assert "check the network or HF_ENDPOINT" in output


def test_a_model_larger_than_the_disk_is_refused_with_the_numbers(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    with pytest.raises(SetupError, match=rf"needs .* GiB of disk and {tmp_path} has .* GiB free; make room"):
        require_room(REPO, free + (1 << 30), tmp_path / "later", instead="look elsewhere")


def path_in(output: str) -> Path:
    """The path that `polychat download` prints on a line of its own."""
    return Path(next(line for line in output.splitlines() if line.startswith("/")))
