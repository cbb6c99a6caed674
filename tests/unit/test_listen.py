import socket

import pytest

from polychat import listen
from polychat.errors import SetupError


def test_a_taken_port_is_named_with_the_flag_that_changes_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(
            SetupError, match=f"port {port} on 127.0.0.1 is taken; choose another with --web-port"
        ):
            listen.bind("127.0.0.1", port, flag="--web-port")


def test_port_0_is_any_free_port() -> None:
    with listen.bind("127.0.0.1", 0) as sock:
        assert sock.getsockname()[1] > 0


def test_a_host_that_is_not_ours_is_named() -> None:
    with pytest.raises(SetupError, match=r"192\.0\.2\.1 is not an address of this machine"):
        listen.bind("192.0.2.1", 0)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"])
def test_loopback_is_known_in_all_its_spellings(host: str) -> None:
    assert listen.is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.com", ""])
def test_what_other_machines_can_reach_is_not_loopback(host: str) -> None:
    assert not listen.is_loopback(host)
