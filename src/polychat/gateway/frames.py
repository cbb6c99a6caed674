"""What a gateway process and its parent say to each other: messages, each with its length before it."""

import socket
from collections.abc import Iterator

import msgspec

STATE, ASK, ANSWER = "state", "ask", "answer"
_LENGTH_BYTES = 4
_PIECE_BYTES = 262_144
SEND_TIMEOUT_S = 1.0


class Frame(msgspec.Struct, array_like=True):
    """One message. `number` tells which question an answer is for."""

    kind: str
    number: int = 0
    what: str = ""
    body: bytes = b""
    answers: list[bytes] = []


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Frame).decode


def encoded(frame: Frame) -> bytes:
    data = _encode(frame)
    return len(data).to_bytes(_LENGTH_BYTES, "big") + data


class Reader:
    """Cuts what comes into messages."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        self._pending += data
        while len(self._pending) >= _LENGTH_BYTES:
            end = _LENGTH_BYTES + int.from_bytes(self._pending[:_LENGTH_BYTES], "big")
            if len(self._pending) < end:
                return
            frame = _decode(bytes(self._pending[_LENGTH_BYTES:end]))
            del self._pending[:end]
            yield frame


class Frames:
    """The parent's end of the socket to one process."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._reader = Reader()
        sock.settimeout(SEND_TIMEOUT_S)  # one that is stopped must not stop the parent

    def read(self) -> list[Frame]:
        """What has come; call it when something has."""
        try:
            return list(self._reader.feed(self.sock.recv(_PIECE_BYTES)))
        except OSError:  # it has died; that is seen elsewhere
            return []

    def send(self, frame: Frame) -> None:
        try:
            self.sock.sendall(encoded(frame))
        except OSError:
            return

    def close(self) -> None:
        self.sock.close()
