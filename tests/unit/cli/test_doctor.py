"""What `polychat doctor` says, and how it tells good from bad."""

import socket
from pathlib import Path

from polychat.cli import doctor_machine, doctor_services
from polychat.cli.doctor_checks import Level, fail, ok, room
from tests.support.processes import free_port


def test_a_line_has_the_level_what_was_found_and_the_fix() -> None:
    assert fail("disk", "full", "delete").line() == "fail  disk           full -> delete"


def test_colours_are_only_for_a_terminal() -> None:
    assert "\x1b" in ok("disk", "free").line(colour=True)
    assert "\x1b" not in ok("disk", "free").line()


def test_room_is_good_scarce_or_too_little() -> None:
    levels = [room("disk", free, enough_bytes=100, least_bytes=10, fix="").level for free in (100, 99, 10, 9)]
    assert levels == [Level.OK, Level.WARN, Level.WARN, Level.FAIL]


def test_a_state_folder_that_cannot_be_made_fails_with_the_fix(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    check = doctor_machine.writable(tmp_path / "file" / "home")
    assert check.level is Level.FAIL
    assert "POLYCHAT_HOME" in check.fix


def test_a_state_folder_is_made_and_left_clean(tmp_path: Path) -> None:
    assert doctor_machine.writable(tmp_path / "home").level is Level.OK
    assert list((tmp_path / "home").iterdir()) == []


def test_available_memory_is_read_as_linux_estimates_it(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 100 kB\nMemFree: 1 kB\nMemAvailable:   50 kB\n")
    assert doctor_machine.free_memory_bytes(tmp_path / "meminfo") == 50 * 1024


def test_a_port_that_another_program_has_is_told_with_the_flag() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        check = doctor_services.port_check(server.getsockname()[1], "--port")
    assert check.level is Level.WARN
    assert "--port" in check.fix


def test_a_service_that_does_not_run_is_no_fault() -> None:
    free = free_port()
    checks = doctor_services.services(f"http://127.0.0.1:{free}", "", f"http://127.0.0.1:{free}", "")
    assert [check.level for check in checks] == [Level.OK, Level.OK]


def test_an_address_that_is_none_is_a_fault() -> None:
    checks = doctor_services.services("ftp://x", "", "ftp://x", "")
    assert [check.level for check in checks] == [Level.FAIL, Level.FAIL]


def test_the_engines_that_are_here_are_named() -> None:
    found = doctor_machine.engines()
    assert found.level is Level.OK
    assert found.found.startswith("llamacpp, ")
