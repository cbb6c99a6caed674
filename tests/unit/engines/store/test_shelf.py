import os
from pathlib import Path

import pytest

from polychat.engines.store import shelf
from polychat.engines.store.shelf import Shelved
from polychat.engines.store.uses import Use
from polychat.errors import SetupError
from tests.support import tiny_checkpoint

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "ms"))
    return tmp_path


def on_hub_cache(disk: Path, repo: str, contents: dict[str, bytes]) -> Path:
    """A repository as huggingface_hub keeps it: content in blobs, names in a snapshot."""
    folder = disk / "hf" / f"models--{repo.replace('/', '--')}"
    snapshot = folder / "snapshots" / COMMIT
    for kind in (snapshot, folder / "blobs", folder / "refs"):
        kind.mkdir(parents=True)
    (folder / "refs" / "main").write_text(COMMIT)
    for n, (name, data) in enumerate(contents.items()):
        (folder / "blobs" / str(n)).write_bytes(data)
        (snapshot / name).symlink_to(Path("../../blobs") / str(n))
    return snapshot


def names(found: list[Shelved]) -> list[str]:
    return [each.name for each in found]


def test_the_builtin_model_is_on_every_disk(disk: Path) -> None:
    (only,) = shelf.everything(disk / "own")
    assert (only.name, only.source, only.format) == ("polychat-mini", "built-in", "gguf")


def test_models_of_every_place_are_found_with_their_facts(disk: Path) -> None:
    on_hub_cache(disk, "acme/q", {"q-Q4_K_M.gguf": b"GGUF", "q-Q8_0.gguf": b"GGUF", "mmproj.gguf": b"GGUF"})
    tiny_checkpoint.write(disk / "ms/models/acme--new/snapshots/master")
    tiny_checkpoint.write(disk / "ms/hub/models/acme/old-1___5", {"config.json": b"{}"})
    tiny_checkpoint.write(disk / "own/mine", {"model.BF16.gguf": b"GGUF"})
    found = shelf.everything(disk / "own")[1:]
    assert [(each.name, each.format, each.quants) for each in found] == [
        ("acme/q", "gguf", ("Q4_K_M", "Q8_0")),
        ("modelscope:acme/new", "safetensors", ("bfloat16",)),
        ("modelscope:acme/old-1.5", "incomplete", ()),
        (str(disk / "own/mine"), "gguf", ("BF16",)),
    ]
    assert found[1].size_bytes == sum(len(data) for data in tiny_checkpoint.files().values())


def test_a_model_is_found_by_its_id_and_by_its_path(disk: Path) -> None:
    tiny_checkpoint.write(disk / "own/mine")
    everything = shelf.everything(disk / "own")
    assert shelf.find("builtin", everything).source == "built-in"
    assert shelf.find(os.path.relpath(disk / "own/mine"), everything).source == "folder"
    with pytest.raises(SetupError, match="models are removed as a whole: acme/q"):
        shelf.find("acme/q:Q8_0", everything)
    with pytest.raises(SetupError, match="acme/r is no model that polychat keeps on this disk"):
        shelf.find("acme/r", everything)


@pytest.mark.parametrize("used", ["snapshot", "file"])
def test_a_model_in_use_is_not_removed(disk: Path, used: str) -> None:
    snapshot = on_hub_cache(disk, "acme/q", {"q-Q8_0.gguf": b"GGUF"})
    use = Use(path=str(snapshot if used == "snapshot" else snapshot / "q-Q8_0.gguf"), name="q", pid=7)
    each = shelf.find("acme/q", shelf.everything(disk))
    assert shelf.users(each, [use, Use(path="/elsewhere", name="x", pid=8)]) == [use]
    with pytest.raises(SetupError, match=r"acme/q is in use by q \(pid 7\); stop that first"):
        shelf.require_removable(each, [use])


def test_the_builtin_model_stays(disk: Path) -> None:
    with pytest.raises(SetupError, match="polychat-mini is part of polychat"):
        shelf.require_removable(shelf.everything(disk)[0], [])


def test_what_is_removed_is_gone_and_counted(disk: Path) -> None:
    on_hub_cache(disk, "acme/q", {"q-Q8_0.gguf": b"GGUF" * 10})
    tiny_checkpoint.write(disk / "ms/models/acme--new/snapshots/master")
    tiny_checkpoint.write(disk / "own", {"mine.gguf": b"GGUF"})
    found = shelf.everything(disk / "own")[1:]
    assert [shelf.remove(each) for each in found] == [each.size_bytes for each in found]
    assert found[0].size_bytes == 40
    assert names(shelf.everything(disk / "own")) == ["polychat-mini"]
