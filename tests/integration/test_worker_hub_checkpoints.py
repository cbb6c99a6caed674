"""Checkpoints from hubs: `polychat download` and `worker` against a small hub of our own, of both kinds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import tiny_checkpoint, tiny_gguf
from tests.support.fake_hub import FakeHub, serving
from tests.support.processes import RoleProcess

REPO = "acme/tiny"
WEIGHTS = tiny_checkpoint.files()
TWICE = {
    "README.md": b"#",
    "original/consolidated.00.pth": b"x",
    "consolidated.safetensors": b"x",
    "pytorch_model.bin": b"x",
    "onnx/model.onnx": b"x",
}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[FakeHub]:
    gguf = tiny_gguf.write(tmp_path / "tiny.gguf").read_bytes()
    repos = {
        REPO: WEIGHTS | TWICE,
        "acme/sharded": tiny_checkpoint.sharded(),
        "acme/both": WEIGHTS | {"tiny-Q8_0.gguf": gguf},
        "acme/secret": WEIGHTS,
        "acme/lora": {"adapter_config.json": b"{}", "adapter_model.safetensors": b"x"},
        "acme/tiny-GGUF": {"tiny-Q8_0.gguf": gguf},
    }
    with serving(FakeHub(repos, gated={"acme/secret"}, quantised={REPO: "acme/tiny-GGUF"})) as hub:
        yield hub


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "cache"


def polychat(*arguments: str, hub: FakeHub, home: Path, **env: str) -> tuple[int, str]:
    settings = {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "MODELSCOPE_ENDPOINT": hub.url,
        "MODELSCOPE_CACHE": str(home / "modelscope"),
    }
    with RoleProcess(*arguments, env=settings | env) as process:
        return process.wait(timeout_s=30), process.output


@pytest.mark.parametrize("argument", [REPO, f"modelscope:{REPO}"])
def test_a_checkpoint_comes_without_what_it_has_twice_and_then_needs_no_network(
    argument: str, hub: FakeHub, home: Path
) -> None:
    status, output = polychat("download", argument, "--verify", hub=hub, home=home)
    assert status == 0, output
    assert files_in(folder_in(output)) == WEIGHTS
    asked = len(hub.requests)
    status, offline = polychat("download", argument, hub=hub, home=home, HF_HUB_OFFLINE="1")
    assert (status, offline, len(hub.requests)) == (0, output, asked)


def test_all_shards_come(hub: FakeHub, home: Path) -> None:
    status, output = polychat("download", "acme/sharded", hub=hub, home=home)
    assert (status, files_in(folder_in(output))) == (0, tiny_checkpoint.sharded())


def test_a_checkpoint_with_a_shard_missing_is_not_taken_for_one(hub: FakeHub, home: Path) -> None:
    _, output = polychat("download", "acme/sharded", hub=hub, home=home)
    (folder_in(output) / "model-00002-of-00002.safetensors").unlink()
    status, output = polychat("download", "acme/sharded", hub=hub, home=home, HF_HUB_OFFLINE="1")
    assert (status, "acme/sharded is not in the cache" in output) == (1, True)


@pytest.mark.parametrize("source", ["huggingface", "modelscope"])
def test_a_plain_folder_can_be_carried_and_served_elsewhere(source: str, hub: FakeHub, home: Path) -> None:
    folder = home.parent / "carried"
    status, output = polychat("download", REPO, "--from", source, "-o", str(folder), hub=hub, home=home)
    assert (status, f"run it with: polychat worker {folder}" in output) == (0, True), output
    assert {name: (folder / name).read_bytes() for name in WEIGHTS} == WEIGHTS


def test_filters_name_files_instead_of_what_the_model_needs(hub: FakeHub, home: Path) -> None:
    arguments = ["download", REPO, "--include", "*.json", "--include", "README.md", "--exclude", "tokenizer*"]
    status, output = polychat(*arguments, hub=hub, home=home)
    assert (status, set(files_in(folder_in(output)))) == (0, {"config.json", "README.md"})


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("model.safetensors", "huggingface"),
        ("config.json", "huggingface"),
        ("model.safetensors", "modelscope"),
    ],
)
def test_a_damaged_file_is_removed_and_comes_again(name: str, source: str, hub: FakeHub, home: Path) -> None:
    arguments = ["download", REPO, "--from", source, "--verify"]
    hub.damaged.add(name)
    status, output = polychat(*arguments, hub=hub, home=home)
    assert (status, output.count("\n")) == (1, 1), output
    assert f"{name} is not what the hub has (its checksum differs) and was removed; run the same" in output
    hub.damaged.clear()
    status, output = polychat(*arguments, hub=hub, home=home)
    assert (status, files_in(folder_in(output))) == (0, WEIGHTS)


def test_an_interrupted_download_from_modelscope_goes_on_where_it_stopped(hub: FakeHub, home: Path) -> None:
    hub.break_after_bytes = 1000
    status, output = polychat("download", f"modelscope:{REPO}", hub=hub, home=home)
    assert (status, files_in(folder_in(output))) == (0, WEIGHTS)
    assert hub.downloads[-1].endswith(" bytes=1000-")


def test_models_that_modelscopes_older_tools_left_are_found(hub: FakeHub, home: Path) -> None:
    folder = tiny_checkpoint.write(home / "modelscope" / "hub" / "models" / "acme" / "tiny-1___5")
    status, output = polychat("download", "modelscope:acme/tiny-1.5", hub=hub, home=home, HF_HUB_OFFLINE="1")
    assert (status, folder_in(output)) == (0, folder)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["modelscope:acme/nothing"], "there is no model acme/nothing at http://127.0.0.1"),
        (["modelscope:acme/tiny", "--revision", "v9"], "there is no model acme/tiny with the revision 'v9'"),
        (["modelscope:acme/secret"], "acme/secret is gated or private: ask for it at http://127.0.0.1"),
        (["acme/secret"], "acme/secret is gated: accept its terms"),
        ([f"{REPO}:Q4_K_M"], f"{REPO} holds no GGUF file, so it has no Q4_K_M; leave out :Q4_K_M"),
        ([REPO, "--include", "*.onnxx"], "has no file that --include *.onnxx lets in; it has README.md"),
    ],
)
def test_what_a_hub_does_not_give_is_one_line(
    arguments: list[str], complaint: str, hub: FakeHub, home: Path
) -> None:
    status, output = polychat("download", *arguments, hub=hub, home=home)
    assert (status, output.count("\n")) == (1, 1), output
    assert complaint in output


def test_an_adapter_says_how_it_is_used(hub: FakeHub, home: Path) -> None:
    status, output = polychat("download", "acme/lora", hub=hub, home=home)
    assert (status, "use it with: polychat worker BASE_MODEL --lora NAME=" in output) == (0, True), output


def test_llamacpp_asked_for_takes_the_gguf_of_a_repository_with_both(hub: FakeHub, home: Path) -> None:
    env = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home)}
    with RoleProcess("worker", "acme/both", "--engine", "llamacpp", "--no-register", env=env) as worker:
        worker.wait_for_line("acme/both runs on llamacpp, because it was asked for")
    assert [line for line in hub.downloads if "safetensors" in line] == []


def test_llamacpp_refuses_a_checkpoint_before_it_is_downloaded(hub: FakeHub, home: Path) -> None:
    status, output = polychat("worker", REPO, "--engine", "llamacpp", hub=hub, home=home)
    assert (status, output.count("\n")) == (1, 1), output
    assert f"llamacpp reads GGUF, and {REPO} is safetensors; leave --engine out, or convert it" in output
    assert hub.downloads == []


def folder_in(output: str) -> Path:
    """The folder that `polychat download` prints on a line of its own."""
    return Path(next(line for line in output.splitlines() if line.startswith("/")))


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
