"""What `up` runs: words, tables of the settings file, servers that run already."""

from pathlib import Path
from typing import Any

import pytest

from polychat.cli import main, up_sources
from polychat.cli.model_tables import ModelTable
from polychat.cli.up_sources import Sources
from polychat.errors import SetupError

WORKER: Any = main.group_of(main.our_commands()).commands["worker"]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty settings file, the one that holds."""
    path = tmp_path / "polychat.toml"
    path.touch()
    monkeypatch.setenv("POLYCHAT_CONFIG", str(path))
    return path


def sources(*models: str, attached: tuple[str, ...] = (), key_env: str = "", engine: str = "auto") -> Sources:
    return up_sources.sources(models, attached, attach_key_env=key_env, engine=engine, worker=WORKER)


def test_without_anything_the_built_in_model_runs(file: Path) -> None:
    assert sources().names == ("builtin",)
    assert sources(engine="echo").names == ("echo",)


def test_what_runs_already_is_enough(file: Path) -> None:
    assert sources(attached=("h:1",)) == Sources(attached=("h:1",))


def test_each_model_of_the_file_has_options_of_its_own(file: Path) -> None:
    file.write_text(
        '[[model]]\nmodel = "builtin"\nnames = ["a", "b"]\ncontext-length = 512\nslots = 2\n'
        'arguments = ["--x", "1"]\ntrust_remote_code = true\n'
        '[[model]]\nmodel = "u/m"\nengine = "vllm"\nrevision = "v1"\nlora = "fr=/tmp"\n'
    )
    first, second = sources().models
    assert first.flags == (
        "--model-names=a,b",
        "--context-length=512",
        "--slots=2",
        "--engine-argument=--x",
        "--engine-argument=1",
        "--trust-remote-code",
    )
    assert (second.engine, second.revision) == ("vllm", "v1")
    assert second.flags == ("--engine=vllm", "--revision=v1", "--lora=fr=/tmp")


def test_models_in_words_replace_those_of_the_file(file: Path) -> None:
    file.write_text('[[model]]\nmodel = "builtin"\n')
    assert sources("echo").models == (ModelTable("echo"),)


def test_an_echo_engine_needs_no_model(file: Path) -> None:
    file.write_text('[[model]]\nengine = "echo"\n')
    assert sources().models == (ModelTable("echo", ("--engine=echo",), engine="echo"),)


def test_providers_run_beside_whatever_else(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_KEY", "sk")
    file.write_text('[[remote]]\nname = "acme"\nbase_url = "https://a.example"\nkey_env = "ACME_KEY"\n')
    assert sources() == Sources(remotes=("acme",))
    assert sources("echo").remotes == ("acme",)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[model]]\nengine = "vllm"\n', r"\[\[model\]\] has no model; write model = "),
        (
            '[[model]]\nmodel = "m"\nslotz = 2\n',
            r"\[\[model\]\] m: there is no option 'slotz'; did you mean 'slots'",
        ),
        ('[[model]]\nmodel = "m"\nslots = 0\n', r"\[\[model\]\] m: slots = 0: .*or equal to 1"),
        ('[[model]]\nmodel = "m"\nport = 1\n', "there is no option 'port'"),
        ('[model]\nmodel = "m"\n', r"write \[\[model\]\], with two brackets"),
        (
            '[[remote]]\nname = "acme"\nbase_url = "https://a"\nkey_env = "UNSET_KEY"\n',
            "UNSET_KEY is not set",
        ),
    ],
)
def test_a_wrong_table_is_told_with_its_place(file: Path, text: str, told: str) -> None:
    file.write_text(text)
    with pytest.raises(SetupError, match=told):
        sources()


def test_wrong_words_are_told_before_anything_starts(file: Path) -> None:
    with pytest.raises(SetupError, match="--attach 'no address' is no address"):
        sources(attached=("no address",))
    with pytest.raises(SetupError, match="--attach-key-env UNSET_KEY"):
        sources(attached=("h:1",), key_env="UNSET_KEY")
