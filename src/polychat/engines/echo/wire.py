"""The echo engine's answers as the published API's JSON and events."""

import secrets
import time
from collections.abc import Sequence

import msgspec

from polychat import sse
from polychat.engines.echo.answers import Answer
from polychat.types import Endpoint


class Wire:
    """Frames the answers to one request: choices of one chat or of completions."""

    def __init__(self, endpoint: Endpoint, model: str, answers: Sequence[Answer], *, n: int = 1) -> None:
        self._is_chat = endpoint is Endpoint.CHAT
        self._answers = answers
        self._n = n  # choices for each prompt
        kind, prefix = ("chat.completion", "chatcmpl") if self._is_chat else ("text_completion", "cmpl")
        self._about: dict[str, object] = {
            "id": f"{prefix}-{secrets.token_hex(12)}",
            "object": kind,
            "created": int(time.time()),
            "model": model,
        }

    def whole(self) -> bytes:
        """The answer to a request that does not stream."""
        choices = [self._whole_choice(index, answer) for index, answer in enumerate(self._answers)]
        return _json(self._about | {"choices": choices, "usage": self._usage()})

    def opening(self) -> bytes:
        """The events before the first token."""
        if not self._is_chat:
            return b""
        delta = {"role": "assistant", "content": ""}
        return b"".join(self._event(index, delta) for index in range(len(self._answers)))

    def step(self, step: int) -> bytes:
        """The events of one decode step: one for each choice that has not ended."""
        return b"".join(
            self._event(index, token)
            for index, answer in enumerate(self._answers)
            if (token := answer.token(step)) is not None
        )

    def closing(self, *, include_usage: bool) -> bytes:
        """The events after the last token."""
        ends = [self._event(index, "", answer.finish_reason) for index, answer in enumerate(self._answers)]
        if include_usage:
            ends.append(sse.encode(_json(self._stream_about() | {"choices": [], "usage": self._usage()})))
        return b"".join(ends) + sse.DONE

    def _whole_choice(self, index: int, answer: Answer) -> dict[str, object]:
        content: dict[str, object] = (
            {"message": {"role": "assistant", "content": answer.text, "refusal": None}}
            if self._is_chat
            else {"text": answer.text}
        )
        return {"index": index, **content, "logprobs": None, "finish_reason": answer.finish_reason}

    def _event(self, index: int, said: str | dict[str, str], finish_reason: str | None = None) -> bytes:
        content: dict[str, object]
        if self._is_chat:
            content = {"delta": {"content": said} if isinstance(said, str) else said}
        else:
            content = {"text": said}
        choice = {"index": index, **content, "logprobs": None, "finish_reason": finish_reason}
        return sse.encode(_json(self._stream_about() | {"choices": [choice]}))

    def _stream_about(self) -> dict[str, object]:
        return self._about | {"object": "chat.completion.chunk"} if self._is_chat else self._about

    def _usage(self) -> dict[str, int]:
        prompt = sum(answer.prompt_tokens for answer in self._answers) // self._n
        completion = sum(len(answer.tokens) for answer in self._answers)
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        }


def embeddings(model: str, vectors: Sequence[object], num_tokens: int) -> bytes:
    """The answer to an embedding request."""
    data = [{"object": "embedding", "index": i, "embedding": vector} for i, vector in enumerate(vectors)]
    usage = {"prompt_tokens": num_tokens, "total_tokens": num_tokens}
    return _json({"object": "list", "data": data, "model": model, "usage": usage})


def _json(document: object) -> bytes:
    return msgspec.json.encode(document)
