"""Streams that are asked for again and again from one thread, and the chunks that came, cheaply counted."""

import json
import selectors
import socket
import time
from dataclasses import dataclass, field

MODEL = "fast"
PROMPT = (
    "Say in one sentence what this paragraph says: the gateway takes a request, looks the caller's key up, "
    "chooses a replica that has the model, hands the request on and relays each token as it comes, until the "
    "answer has ended or the client has left."
)
_CHUNK, _END = b'"content":', b"0\r\n\r\n"
_KEPT = 32  # bytes of what came before, for a mark that lies across two reads


def chat(*, tokens: int, stream: bool, paced: int = 0, prompt: str = PROMPT, model: str = MODEL) -> bytes:
    """The body of a small chat; `paced` asks the mock engine for so many tokens a second."""
    pace = f"paced-{paced} " if paced else ""
    body: dict[str, object] = {
        "model": model,
        "messages": [{"role": "user", "content": pace + prompt}],
        "temperature": 0.7,
        "max_tokens": tokens,
    }
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return json.dumps(body).encode()


def request(port: int, key: str, body: bytes) -> bytes:
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass(slots=True)
class Stream:
    sock: socket.socket
    tail: bytes = b""


@dataclass(slots=True)
class Streams:
    """So many streams of one server at once; each begins anew when it has ended."""

    port: int
    request: bytes
    count: int
    chunks: int = 0
    ended: int = 0
    errors: int = 0
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def open(self) -> None:
        for _ in range(self.count):
            self._begin()

    def _begin(self) -> None:
        sock = socket.create_connection(("127.0.0.1", self.port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(self.request)
        sock.setblocking(False)
        self._selector.register(sock, selectors.EVENT_READ, Stream(sock))

    def read_for(self, seconds: float) -> None:
        """Read what comes in that time."""
        until_s = time.perf_counter() + seconds
        while (left_s := until_s - time.perf_counter()) > 0:
            for key, _ in self._selector.select(left_s):
                self._read(key.data)

    def warm_up(self, seconds: float, *, at_most_s: float = 20.0) -> None:
        """That long, and until about each has begun."""
        give_up_s = time.perf_counter() + at_most_s
        self.read_for(seconds)
        while self.chunks < self.count and time.perf_counter() < give_up_s:
            self.read_for(0.1)

    def _read(self, stream: Stream) -> None:
        data = stream.sock.recv(262144)
        said = stream.tail + data
        self.chunks += said.count(_CHUNK) - stream.tail.count(_CHUNK)
        stream.tail = said[-_KEPT:]
        if not data or b"HTTP/1.1 4" in said[:40] or b"HTTP/1.1 5" in said[:40]:
            self.errors += 1
            self._leave(stream)
            if self.errors < 5 * self.count:
                self._begin()
        elif said.endswith(_END):
            self.ended += 1
            stream.tail = b""
            stream.sock.sendall(self.request)

    def _leave(self, stream: Stream) -> None:
        self._selector.unregister(stream.sock)
        stream.sock.close()

    def close(self) -> None:
        for key in list(self._selector.get_map().values()):
            self._leave(key.data)
        self._selector.close()


def ttft_s(sock: socket.socket, asked: bytes) -> float:
    """Ask over a kept connection, read the answer to its end; seconds to its first chunk."""
    began_s, first_s, said = time.perf_counter(), 0.0, b""
    sock.sendall(asked)
    while not said.endswith(_END):
        data = sock.recv(65536)
        if not data:
            raise ConnectionError(f"closed after {said[:200]!r}")
        said += data
        if not first_s and _CHUNK in said:
            first_s = time.perf_counter()
        if b"content-length" in said[:400].lower():
            raise ConnectionError(f"no stream: {said[:200]!r}")
    return first_s - began_s
