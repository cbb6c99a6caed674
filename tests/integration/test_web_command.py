"""`polychat web` as a process: how it starts, refuses to start, asks for a login, and ends."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.support.processes import RoleProcess, free_port

WITHOUT_GRADIO = "import sys; sys.modules['gradio'] = None; from polychat.cli.main import run; run()"


def test_it_says_its_address_and_ends_within_2_s_though_a_page_is_open() -> None:
    port = free_port()
    with RoleProcess("web", "--port", str(port), "--api-url", "http://127.0.0.1:9") as web:
        line = web.wait_for_line(r"page on (\S+) \(API: (\S+)\)", timeout_s=60)
        assert line.groups() == (f"http://127.0.0.1:{port}", "http://127.0.0.1:9/v1")
        with httpx.stream("GET", f"{line[1]}/gradio_api/heartbeat/a-page", trust_env=False) as page:
            assert page.is_success
            began_s = time.monotonic()
            web.send(signal.SIGTERM)
            web.wait()
        assert time.monotonic() - began_s < 2.0
        assert web.output.count("\n") == 1, web.output


def test_a_taken_port_is_named_with_the_flag_that_changes_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with RoleProcess("web", "--port", str(port)) as web:
            assert web.wait() == 1
            assert f"port {port} on 127.0.0.1 is taken; choose another with --port" in web.output


def test_without_gradio_it_says_what_to_install() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_GRADIO, "web", "--port", str(free_port())],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "polychat: the page needs gradio, which is not installed: pip install 'polychat[web]'"
    )


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--api-url", "ftp://somewhere"), "'ftp://somewhere' is not a web address"),
        (("--auth-file", "/nowhere/users"), "cannot read --auth-file /nowhere/users"),
        (("--share",), "--share puts the page on the public internet: add --auth-file"),
    ],
)
def test_a_bad_flag_is_one_line(flags: tuple[str, ...], message: str) -> None:
    with RoleProcess("web", *flags) as web:
        assert web.wait() == 1
        assert web.output.startswith(f"polychat: {message}")
        assert web.output.count("\n") == 1


def test_with_a_file_of_users_the_page_asks_for_a_login(tmp_path: Path) -> None:
    users = tmp_path / "users"
    users.write_text("ann:secret\n", encoding="utf-8")
    port = free_port()
    with (
        RoleProcess("web", "--port", str(port), "--gradio-auth-path", os.fspath(users)) as web,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20) as browser,
    ):
        web.wait_for_line("page on", timeout_s=60)
        assert browser.get("/config").status_code == 401
        assert browser.post("/login", data={"username": "ann", "password": "wrong"}).status_code == 400
        assert browser.post("/login", data={"username": "ann", "password": "secret"}).is_success
        assert browser.get("/config").is_success


def test_fastchats_controller_flag_is_taken_with_a_note() -> None:
    port = free_port()
    with RoleProcess("web", "--port", str(port), "--controller-url", "http://127.0.0.1:21001") as web:
        web.wait_for_line("the page needs no controller address", timeout_s=60)
        web.wait_for_line("page on", timeout_s=60)
