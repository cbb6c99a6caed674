"""What an answer says, whatever API it is of, and what is wrong with its form. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.chaos.asks import Api

Json = Mapping[str, Any]  # decoded JSON


@dataclass(slots=True)
class Reading:
    """One answer, or one error, as it was understood."""

    text: str = ""
    finish: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    error: str = ""  # the code, or the type where the API has no codes
    message: str = ""
    ends: int = 0  # closing events of a stream, errors among them
    problems: list[str] = field(default_factory=list)

    def count(self, usage: Json) -> None:
        self.prompt_tokens = usage.get("prompt_tokens", usage.get("input_tokens"))
        if "cache_read_input_tokens" in usage:  # Anthropic's: counted apart
            self.prompt_tokens = usage["input_tokens"] + usage["cache_read_input_tokens"]
        self.completion_tokens = usage.get("completion_tokens", usage.get("output_tokens"))

    def end_with(self, reason: str | None) -> None:
        """Note a finish reason, of which there shall be one."""
        if reason and self.finish:
            self.problems.append("finishes twice")
        self.finish = reason or self.finish

    def fail(self, api: Api, error: Json) -> None:
        """Note an error and what it lacks."""
        names = ("type", "message") if api is Api.MESSAGES else ("message", "code", "param")
        missing = [name for name in names if name not in error]
        if missing or not error["message"]:
            self.problems.append(f"an error without {missing or 'a message'}: {error}")
        self.error = str(error.get("code") or error.get("type"))
        self.message = str(error.get("message"))


def read_whole(api: Api, status: int, body: bytes, reading: Reading) -> None:
    """Read an answer that does not stream.

    Raises:
        ValueError, LookupError, TypeError, AttributeError: it has not the published form.
    """
    document = json.loads(body)
    if status != 200:
        reading.fail(api, document["error"])
        return
    match api:
        case Api.CHAT:
            reading.text = document["choices"][0]["message"]["content"] or ""
            reading.end_with(document["choices"][0]["finish_reason"])
        case Api.COMPLETIONS:
            reading.text = document["choices"][0]["text"]
            reading.end_with(document["choices"][0]["finish_reason"])
        case Api.RESPONSES:
            parts = [part for item in document["output"] for part in item["content"]]
            reading.text = "".join(part["text"] for part in parts)
            reading.end_with(document["status"])
        case Api.MESSAGES:
            reading.text = "".join(block["text"] for block in document["content"])
            reading.end_with(document["stop_reason"])
        case Api.EMBEDDINGS:
            reading.text = f"{len(document['data'][0]['embedding'])} numbers"
            reading.end_with("stop")
    reading.count(document["usage"])
