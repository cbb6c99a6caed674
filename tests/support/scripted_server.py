"""A server that answers each path as a test says, and may change its mind: other people's, to be attached."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.support.fake_engine import SSE_HEAD, Call, Received, Script, event, head

Answer = tuple[int, bytes, Mapping[str, str]]


def told(status: int, document: object, **headers: str) -> Answer:
    """One answer. Headers are written with underscores."""
    return status, json.dumps(document).encode(), {name.replace("_", "-"): headers[name] for name in headers}


def completion(model: str, text: str = "hello") -> Answer:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return told(
        200,
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": model,
            "choices": [choice],
            "usage": usage,
        },
    )


def models(*ids: str, **facts: object) -> Answer:
    return told(200, {"object": "list", "data": [{"id": id_, "object": "model", **facts} for id_ in ids]})


@dataclass
class ScriptedServer:
    """`script` for a FakeEngine. Paths without an answer are 404."""

    answers: dict[str, Answer] = field(default_factory=dict)
    url: str = ""  # where it listens
    key: str = ""  # wanted on every path
    is_away: bool = False  # hangs up on who comes
    gate: asyncio.Event | None = None  # chats are answered once it is set
    chats: list[Received] = field(default_factory=list)

    @property
    def script(self) -> Script:
        return self._answer

    async def _answer(self, call: Call) -> None:
        if self.is_away:
            call.reset()
            raise ConnectionResetError
        received = call.received
        is_chat = received.path.endswith("/chat/completions")
        if is_chat:
            self.chats.append(received)
            if self.gate is not None:
                await self.gate.wait()
        status, body, headers = self.answers.get(received.path, told(404, {"detail": "Not Found"}))
        if self.key and received.headers.get("authorization") != f"Bearer {self.key}":
            status, body, headers = told(401, {"error": {"message": f"Incorrect API key: {self.key}"}})
        if is_chat and status == 200 and json.loads(received.body).get("stream"):
            await _stream(call)
            return
        more = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
        await call.send(head(status, len(body))[:-2] + more + b"\r\n" + body)


async def _stream(call: Call) -> None:
    await call.send(SSE_HEAD)
    for text in ("hel", "lo"):
        await call.chunk(event(text))
    await call.chunk(b": a comment, as some providers send\n\n" + event("", finish_reason="stop"))
    await call.chunk(b"data: [DONE]\n\n")
    await call.chunk(b"")
