"""Which port is free, and who has one that is not."""

import os
import socket
from collections.abc import Iterator

import pytest

from polychat.errors import SetupError
from polychat.placement import ports


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_taken_port_is_told_with_its_flag_and_its_holder(taken: int) -> None:
    with pytest.raises(SetupError, match=f"port {taken} .* is taken.*--web-port.*process {os.getpid()}: "):
        ports.require_free("127.0.0.1", taken, flag="--web-port")


def test_the_next_free_port_leaves_out_what_is_taken_or_spoken_for(taken: int) -> None:
    free = ports.next_free("127.0.0.1", taken, taken=frozenset({taken + 1}))
    assert free > taken + 1
    assert ports.is_free("127.0.0.1", free)


def test_no_free_port_is_told() -> None:
    with pytest.raises(SetupError, match="no port from 65500"):
        ports.next_free("127.0.0.1", 65_500, taken=frozenset(range(65_500, 65_536)))


def test_nobody_holds_a_free_port(taken: int) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert ports.holder(unused.getsockname()[1]) == ""
