"""How Ollama's clients are told of an error: one sentence, in a stream as its last line."""

import msgspec

from polychat.compat.face import ErrorShape
from polychat.errors import PlatformError, UnknownModel


def _body(error: PlatformError) -> bytes:
    return error_json(f"model '{error.model}' not found" if isinstance(error, UnknownModel) else str(error))


def error_json(text: str) -> bytes:
    return msgspec.json.encode({"error": text})


OLLAMA_ERRORS = ErrorShape(body=_body, event=lambda error: _body(error) + b"\n")
