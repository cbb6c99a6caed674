"""The units in deploy/systemd, and what roles tell systemd."""

import configparser
import re
import shlex
import socket
from pathlib import Path

import pytest

from tests.support.processes import RoleProcess, free_port

ROOT = Path(__file__).parents[2]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))


def read(unit: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False)  # a name may come twice
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # the documented way
    parser.read_string(unit.read_text(encoding="utf-8"))
    return parser


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_starts_a_command_with_flags_that_there_are(unit: Path) -> None:
    reference = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    words = shlex.split(read(unit)["Service"]["ExecStart"])
    assert Path(words[0]).name == "polychat"
    for word in words[1:]:
        if word.startswith("--"):
            assert word in reference
    command = next(word for word in words[1:] if re.fullmatch("up|controller|api|worker", word))
    assert f"polychat {command}" in reference


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_is_restarted_stopped_whole_and_waits_until_it_is_ready(unit: Path) -> None:
    service = read(unit)["Service"]
    assert service["Type"] == "notify"
    assert service["Restart"] in ("on-failure", "always")
    assert service["KillMode"] == "mixed"


@pytest.mark.parametrize(
    "command",
    [
        ("controller",),
        ("api", "--controller", "http://127.0.0.1:1"),
        ("worker", "--engine", "echo", "--no-register"),
    ],
    ids=lambda command: str(command[0]),
)
def test_a_role_tells_systemd_that_it_is_ready_alive_and_stopping(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(20)
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
        with RoleProcess(*command, "--port", str(free_port()), env=environment) as role:
            assert systemd.recv(100) == b"READY=1"
            assert systemd.recv(100) == b"WATCHDOG=1"
            assert systemd.recv(100) == b"WATCHDOG=1"
            role.stop()
            told = set()
            while b"STOPPING=1" not in told:
                told.add(systemd.recv(100))
