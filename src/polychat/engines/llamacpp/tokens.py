"""Tokens by llama.cpp: its own /tokenize and /detokenize, and /apply-template before them for a chat.

Seen with xllamacpp 2026.10.
"""

import msgspec
from msgspec.structs import replace

from polychat.engines import templates
from polychat.engines.base import RequestView, Shaped
from polychat.engines.llamacpp import chat
from polychat.errors import PlatformError, RequestError
from polychat.schema.messages import Message
from polychat.schema.tokenize import TokenizeRequest
from polychat.schema.validation import parse_chat, parser_of
from polychat.types import Endpoint

_APPLY_TEMPLATE = "/apply-template"
_OF_CHATS = ("model", "messages", "tools", "continue_final_message", "chat_template_kwargs")
_COUNT = "/v1/chat/completions/input_tokens"


class _Token(msgspec.Struct):
    id: int
    piece: str | list[int]  # a list of bytes when they are no whole UTF-8

    @property
    def text(self) -> str:
        return self.piece if isinstance(self.piece, str) else bytes(self.piece).decode(errors="replace")


class _Tokens(msgspec.Struct):
    tokens: list[_Token]


class _Prompt(msgspec.Struct):
    prompt: str


class _Count(msgspec.Struct):
    input_tokens: int


class _Text(msgspec.Struct):
    content: str


_request = parser_of(TokenizeRequest)  # other APIs' routes ask to count what they have written themselves
_read_tokens = msgspec.json.Decoder(_Tokens).decode
_read_prompt = msgspec.json.Decoder(_Prompt).decode
_read_count = msgspec.json.Decoder(_Count).decode
_read_text = msgspec.json.Decoder(_Text).decode


def tokenize(body: bytes, view: RequestView) -> Shaped:
    """The tokens of a prompt, or the very ones that a chat's messages are prefilled as."""
    request = _request(body)
    if request.messages is None:
        content, adds_special = request.prompt or "", request.adds_special_tokens
        return _tokens(request, view, content, adds_special=adds_special)
    if view.endpoints and Endpoint.CHAT not in view.endpoints:
        raise RequestError(templates.refusal(view.model), param="messages")
    asked = _as_chat(body, request, view)
    if not _is_text(request.messages):
        return Shaped(_COUNT, asked, lambda data: _counted(data, view))

    def then_tokenize(data: bytes) -> Shaped:
        # llama.cpp takes BOS off what a template wrote, and its tokenizer adds it again.
        return _tokens(request, view, _read_prompt(data).prompt, adds_special=True)

    return Shaped(_APPLY_TEMPLATE, asked, then_tokenize, is_side_call=True)


def detokenize(body: bytes, view: RequestView) -> Shaped:
    """The text of tokens."""

    def response(data: bytes) -> bytes:
        return msgspec.json.encode({"prompt": _read_text(data).content})

    return Shaped(Endpoint.DETOKENIZE, body, response, refused=_unknown_token)


def _unknown_token(status: int, body: bytes) -> PlatformError | None:
    """llama.cpp's own failure, as it calls it: its list of tokens is not that long."""
    if status != 500 or b"vector" not in body:
        return None
    return RequestError("'tokens' holds a token id that this model's vocabulary lacks.", param="tokens")


def _as_chat(body: bytes, request: TokenizeRequest, view: RequestView) -> bytes:
    """What llama.cpp would get for the chat, so that its template writes the same."""
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    told = parse_chat(msgspec.json.encode({name: fields[name] for name in _OF_CHATS if name in fields}))
    call = chat.shape(body, replace(view, endpoint=Endpoint.CHAT, request=told))
    asked = msgspec.json.decode(call.body, type=dict[str, msgspec.Raw])
    asked["add_generation_prompt"] = msgspec.Raw(b"true" if request.adds_generation_prompt else b"false")
    return msgspec.json.encode(asked)


def _is_text(messages: list[Message]) -> bool:
    contents = [message.content for message in messages]
    return all(part.type == "text" for parts in contents if isinstance(parts, list) for part in parts)


def _tokens(request: TokenizeRequest, view: RequestView, content: str, *, adds_special: bool) -> Shaped:
    asked = {"content": content, "add_special": adds_special, "parse_special": True, "with_pieces": True}

    def response(data: bytes) -> bytes:
        tokens = _read_tokens(data).tokens
        texts = [token.text for token in tokens] if request.return_token_strs else None
        return _answer(view, len(tokens), [token.id for token in tokens], texts)

    return Shaped(Endpoint.TOKENIZE, msgspec.json.encode(asked), response)


def _counted(data: bytes, view: RequestView) -> bytes:
    """Images are read as vectors that have no ids: only how many there are is known."""
    return _answer(view, _read_count(data).input_tokens, [], None)


def _answer(view: RequestView, count: int, ids: list[int], texts: list[str] | None) -> bytes:
    return msgspec.json.encode(
        {"count": count, "max_model_len": view.context_length, "tokens": ids, "token_strs": texts}
    )
