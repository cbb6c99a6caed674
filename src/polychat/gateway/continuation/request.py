"""The request for the rest of an answer: the same, with what has been said so far to go on with. Pure."""

from typing import Any

import msgspec
from msgspec.structs import replace

from polychat.engines.base import RequestView
from polychat.gateway.continuation.said import Said
from polychat.schema.chat import ChatRequest
from polychat.schema.completions import CompletionRequest
from polychat.schema.messages import ContentPart, Message
from polychat.types import Feature

Limits = dict[str, Any]  # Any: of the request's own types
LIMITS = ("max_tokens", "max_completion_tokens")

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def why_not(view: RequestView, said: Said) -> str:
    """Why the rest of the answer cannot be asked for; "" if it can."""
    request = view.request
    if said.is_empty:
        return ""
    if said.has_calls:
        return "it was calling a tool"
    if said.has_thoughts and not said.text:
        return "the model was still thinking"
    if isinstance(request, ChatRequest):
        return _why_no_chat(request)
    if isinstance(request, CompletionRequest):
        return _why_no_completion(request)
    return "only chats and completions can be"


def _why_no_chat(request: ChatRequest) -> str:
    structured = request.response_format is not None and request.response_format.type != "text"
    demanded = bool(request.tools) and request.tool_choice not in (None, "auto", "none")
    reasons = {
        "its form is given (response_format)": structured,
        "a call of a tool is demanded (tool_choice)": demanded,
        "log probabilities are asked for": bool(request.logprobs),
        "several choices are asked for (n)": (request.n or 1) > 1,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _why_no_completion(request: CompletionRequest) -> str:
    reasons = {
        "its prompt is not one text": not isinstance(request.prompt, str),
        "a suffix is given": bool(request.suffix),
        "the prompt is repeated (echo)": bool(request.echo),
        "log probabilities are asked for": request.logprobs is not None,
        "several choices are asked for (n)": (request.n or 1) > 1,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def is_used_up(view: RequestView, said: Said) -> bool:
    """Whether the answer has all the tokens that it may have."""
    return any(left <= 0 for left in _limits(view, said).values())


def continued(body: bytes, view: RequestView, said: Said) -> tuple[bytes, RequestView]:
    """The request that asks for the rest of an answer of which `said` is there."""
    request = view.request
    if not said.text:
        return body, view
    changed = _limits(view, said)
    if isinstance(request, CompletionRequest):
        assert isinstance(request.prompt, str)
        changed["prompt"] = request.prompt + said.text
        completion = msgspec.structs.replace(request, **changed)
        return _with(body, changed), replace(view, request=completion)
    assert isinstance(request, ChatRequest)
    messages = _messages(request, said.text)
    changed |= {"continue_final_message": True, "add_generation_prompt": False}
    chat = msgspec.structs.replace(request, messages=messages, **changed)
    changed["messages"] = _raw_messages(body, request, said.text)
    return _with(body, changed), replace(view, request=chat, needs=view.needs | {Feature.CONTINUE})


def _limits(view: RequestView, said: Said) -> Limits:
    """The limits of tokens that are set, less what has been said."""
    given = {name: getattr(view.request, name, None) for name in LIMITS}
    return {name: limit - said.num_tokens for name, limit in given.items() if limit is not None}


def _messages(request: ChatRequest, text: str) -> list[Message]:
    if not request.continue_final_message:
        return [*request.messages, Message(role="assistant", content=text)]
    *before, last = request.messages
    if isinstance(last.content, list):
        return [*before, msgspec.structs.replace(last, content=[*last.content, _part(text)])]
    return [*before, msgspec.structs.replace(last, content=f"{last.content}{text}")]


def _part(text: str) -> ContentPart:
    return ContentPart(type="text", text=text)


def _raw_messages(body: bytes, request: ChatRequest, text: str) -> list[object]:
    """The same as they go to the engine: what it was sent, in its own words."""
    messages: list[dict[str, Any]] = msgspec.json.decode(_fields.decode(body)["messages"])  # Any: JSON
    if not request.continue_final_message:
        return [*messages, {"role": "assistant", "content": text}]
    last = messages[-1]
    content = last["content"]
    longer = [*content, {"type": "text", "text": text}] if isinstance(content, list) else content + text
    return [*messages[:-1], last | {"content": longer}]


def _with(body: bytes, changed: Limits) -> bytes:
    fields: dict[str, object] = dict(_fields.decode(body))
    return msgspec.json.encode(fields | changed)
