"""How many tokens a request may use, before anybody has counted them. Pure."""

from polychat.engines.base import RequestView
from polychat.schema.chat import ChatRequest
from polychat.schema.completions import CompletionRequest

BYTES_PER_TOKEN = 4  # of English, about: https://platform.openai.com/tokenizer
ANSWER_TOKENS = 256  # of an answer whose client sets no bound


def prompt_tokens(size_bytes: int) -> int:
    """Of a request whose body is so large."""
    return max(1, size_bytes // BYTES_PER_TOKEN)


def answer_tokens(view: RequestView) -> int:
    """At most, if the client says so."""
    request = view.request
    match request:
        case ChatRequest():
            bound = request.max_completion_tokens or request.max_tokens
        case CompletionRequest():
            bound = request.max_tokens
        case _:
            return 0
    return (ANSWER_TOKENS if bound is None else bound) * (request.n or 1)
