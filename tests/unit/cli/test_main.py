"""The command line: where an option's value comes from, and that every mistake is one line."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import pytest
import typer

from polychat import __version__
from polychat.cli.main import main
from polychat.errors import PlatformError, RequestError, SetupError


def probe(
    models: Annotated[list[str] | None, typer.Argument()] = None,
    port: Annotated[int, typer.Option(min=1)] = 1,
    web_port: int = 7860,
    api_keys: Annotated[str, typer.Option("--api-keys", envvar="POLYCHAT_API_KEYS")] = "",
    loud: bool = False,
) -> None:
    """Say what was understood."""
    typer.echo(f"{models} {port} {web_port} {api_keys} {loud}")


def worker() -> None:
    typer.echo("worker runs")


def run(*argv: str, command: Callable[..., None] = probe) -> int:
    return main(argv, [command])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own working folder, and none of the developer's settings."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("POLYCHAT_", "XDG_CONFIG_HOME"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("given", "port"),
    [
        ({}, 1),
        ({"file": 2}, 2),
        ({"file": 2, "environment": 3}, 3),
        ({"file": 2, "environment": 3, "flag": 4}, 4),
        ({"environment": 3}, 3),
        ({"file": 2, "flag": 4}, 4),
    ],
)
def test_a_flag_beats_the_environment_beats_the_file_beats_the_default(
    given: dict[str, int],
    port: int,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if "file" in given:
        (folder / "polychat.toml").write_text(f"[probe]\nport = {given['file']}\n")
    if "environment" in given:
        monkeypatch.setenv("POLYCHAT_PROBE_PORT", str(given["environment"]))
    assert run("probe", *(["--port", str(given["flag"])] if "flag" in given else [])) == 0
    assert capsys.readouterr().out.split()[1] == str(port)


def test_settings_are_named_as_flags_are_and_may_be_lists(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "polychat.toml").write_text(
        '[probe]\nmodels = "echo"\nweb-port = 5\napi-keys = ["a", "b"]\nloud = true\n'
    )
    assert run("probe") == 0
    assert capsys.readouterr().out == "['echo'] 1 5 a,b True\n"


def test_the_short_variable_is_read_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POLYCHAT_API_KEYS", "k1,k2")
    assert run("probe") == 0
    assert "k1,k2" in capsys.readouterr().out


@pytest.mark.parametrize("argv", [("--config", "my.toml", "probe"), ("probe", "--config=my.toml")])
def test_another_settings_file_may_be_named_before_or_after_the_command(
    argv: tuple[str, ...], folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POLYCHAT_CONFIG", "")  # restored afterwards: the command sets it for its children
    (folder / "my.toml").write_text("[probe]\nport = 9\n")
    assert run(*argv) == 0
    assert capsys.readouterr().out.split()[1] == "9"
    assert os.environ["POLYCHAT_CONFIG"] == str(folder / "my.toml")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[prob]\nport = 2\n", "polychat.toml: there is no command [prob]; did you mean 'probe'?"),
        ("[probe]\nprt = 2\n", "polychat.toml: [probe] has no 'prt'; did you mean 'port'?"),
        ("[probe]\nport = 'x'\n", "polychat.toml: [probe] port = 'x': Input should be a valid integer"),
        (
            "[probe]\nport = 0\n",
            "polychat.toml: [probe] port = 0: Input should be greater than or equal to 1",
        ),
        ("[probe]\nloud = 'x'\n", "polychat.toml: [probe] loud = 'x': "),
    ],
)
def test_a_wrong_setting_is_one_line_with_its_place(
    text: str, told: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "polychat.toml").write_text(text)
    assert run("probe") == 1
    error = capsys.readouterr().err
    assert error.startswith(f"polychat: {told}")
    assert error.count("\n") == 1


def test_help_is_shown_although_the_settings_are_broken(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "polychat.toml").write_text("[")
    assert run("probe", "--help") == 0
    assert "--web-port" in capsys.readouterr().out


def test_a_wrong_variable_is_told_by_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POLYCHAT_PROBE_PORT", "x")
    assert run("probe") == 2
    assert "POLYCHAT_PROBE_PORT='x'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("prob",), "No such command 'prob'. Did you mean 'probe'? (see `polychat --help`)"),
        (("probe", "--port", "x"), "Invalid value for '--port': Input should be a valid integer"),
        (("probe", "--prt", "1"), "No such option: --prt (Possible options: --port"),
        (("probe", "--port"), "Option '--port' requires an argument"),
        (("gradio_web_server_multi",), "there is no command 'gradio_web_server_multi'; use `polychat web`"),
        (("serve",), "use `polychat up MODEL`"),
    ],
)
def test_bad_usage_is_one_line_and_status_2(
    argv: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*argv) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.startswith("polychat: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize("name", ["worker", "model_worker", "model-worker"])
def test_fastchats_names_of_commands_work(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(name, command=worker) == 0
    assert capsys.readouterr().out == "worker runs\n"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (SetupError("the disk\nis full"), "the disk is full"),
        (RequestError("no such field"), "no such field"),
        (ExceptionGroup("tasks", [ExceptionGroup("inner", [SetupError("deep down")])]), "deep down"),
        (PermissionError(13, "Permission denied", "/etc/shadow"), "/etc/shadow: Permission denied"),
        (OSError(28, "No space left on device"), "No space left on device"),
    ],
)
def test_what_a_command_cannot_do_is_one_line_and_status_1(
    error: Exception, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> None:
        raise error

    assert run("fails", command=fails) == 1
    assert capsys.readouterr().err == f"polychat: {told}\n"


def test_polychat_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise PlatformError("no")

    monkeypatch.setenv("POLYCHAT_DEBUG", "1")
    with pytest.raises(PlatformError):
        run("fails", command=fails)


def test_a_bug_keeps_its_traceback() -> None:
    def fails() -> None:
        raise ExceptionGroup("tasks", [ZeroDivisionError()])

    with pytest.raises(ZeroDivisionError):
        run("fails", command=fails)


def test_control_c_is_status_130(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    assert run("interrupted", command=interrupted) == 130
    assert capsys.readouterr().err == ""


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == 0
    assert capsys.readouterr().out == f"polychat {__version__}\n"


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    assert "Say what was understood." in capsys.readouterr().out


@pytest.mark.parametrize("port", ["0", "many"])
def test_a_bad_value_is_named_with_its_flag(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("probe", "--port", port) == 2
    said = capsys.readouterr().err
    assert "--port" in said
    assert f"not '{port}'" in said
    assert said.count("\n") == 1
