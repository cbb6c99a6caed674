"""`polychat models list`, `show` and `rm` on a disk with a hub's cache and a worker that serves from it."""

import json
from pathlib import Path

import pytest

from polychat.engines.models import BUILTIN_PATH
from tests.support import tiny_checkpoint
from tests.support.processes import RoleProcess, free_port

REPO = "acme/mini-GGUF"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub's cache with one model, as an earlier download left it; a model in polychat's own folder."""
    folder = tmp_path / "hf" / "hub" / f"models--{REPO.replace('/', '--')}"
    snapshot = folder / "snapshots" / COMMIT
    for made in (snapshot, folder / "blobs", folder / "refs"):
        made.mkdir(parents=True)
    (folder / "refs" / "main").write_text(COMMIT)
    (folder / "blobs" / "1").write_bytes(BUILTIN_PATH.read_bytes())
    (snapshot / "mini-F16.gguf").symlink_to("../../blobs/1")
    tiny_checkpoint.write(tmp_path / "state" / "polychat" / "models" / "mine")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "ms"))
    return tmp_path


def polychat(*arguments: str) -> tuple[int, str]:
    with RoleProcess(*arguments) as process:
        return process.wait(timeout_s=30), process.output


def listed() -> dict[str, dict[str, object]]:
    status, output = polychat("models", "list", "--json")
    assert status == 0, output
    return {each["name"]: each for each in json.loads(output)}


def test_the_list_has_every_model_of_this_disk(disk: Path) -> None:
    mine = str(disk / "state/polychat/models/mine")
    found = listed()
    assert list(found) == ["polychat-mini", REPO, mine]
    assert (found[REPO]["format"], found[REPO]["quants"]) == ("gguf", ["F16"])
    assert (found[mine]["source"], found[mine]["quants"]) == ("folder", ["bfloat16"])
    status, output = polychat("models", "list")
    assert (status, output.splitlines()[0].split()) == (
        0,
        ["MODEL", "SIZE", "FORMAT", "WEIGHTS", "LAST", "USED", "USED", "BY"],
    )


def test_a_model_is_not_removed_while_a_worker_serves_it_whatever_its_name(disk: Path) -> None:
    flags = ["--model-names", "gpt", "--no-register", "--port", str(free_port())]
    with RoleProcess("worker", REPO, *flags) as worker:
        worker.wait_for_line("gpt at .* is ready")
        assert listed()[REPO]["used_by"] == [{"name": "gpt", "pid": worker.pid}]
        status, output = polychat("models", "rm", REPO, "--yes")
        assert (status, output) == (
            1,
            f"polychat: {REPO} is in use by gpt (pid {worker.pid}); stop that first\n",
        )
        worker.kill()
        assert listed()[REPO]["used_by"] == []
    status, output = polychat("models", "rm", REPO, "--yes")
    size_bytes = BUILTIN_PATH.stat().st_size
    assert (status, f"removed {REPO}: {size_bytes} bytes (5.5 MB) are free again" in output) == (0, True)
    assert REPO not in listed()


def test_a_model_is_not_removed_without_a_yes(disk: Path) -> None:
    status, output = polychat("models", "rm", REPO)
    assert (status, f"Remove {REPO} (5.5 MB) from" in output) == (130, True)
    assert REPO in listed()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["rm", "builtin"], "polychat-mini is part of polychat"),
        (["rm", "acme/other"], "acme/other is no model that polychat keeps on this disk"),
        (["show", "acme/other"], "acme/other is not on this disk; `polychat download acme/other` gets it"),
        (["show", "no model"], "there is no model 'no model'"),
        (["shwo"], "No such command 'shwo'"),
    ],
)
def test_what_cannot_be_done_is_one_line(arguments: list[str], complaint: str, disk: Path) -> None:
    status, output = polychat("models", *arguments)
    assert (status != 0, output.count("\n")) == (True, 1), output
    assert complaint in output


def test_a_model_is_shown_with_what_it_needs_and_what_would_run_it(disk: Path) -> None:
    status, output = polychat("models", "show", REPO)
    assert status == 0, output
    assert "architecture    llama\n" in output
    assert "engine          llamacpp, because it is a GGUF file\n" in output
    status, output = polychat("models", "show", str(disk / "state/polychat/models/mine"), "--json")
    facts = json.loads(output)
    assert (facts["kind"], facts["stored_as"], list(facts["memory_bytes"])) == (
        "generate",
        "bfloat16",
        ["2048"],
    )
    assert facts["engine"].startswith(("transformers, because", "none: "))
