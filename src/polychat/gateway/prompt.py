"""What a request's prompt begins with, for the choice of the replica that may have it in its KV cache."""

from polychat.engines.base import RequestView
from polychat.routing import ask
from polychat.routing.ask import NOTHING, Ask
from polychat.routing.router import Router
from polychat.schema.chat import ChatRequest
from polychat.schema.completions import CompletionRequest
from polychat.schema.messages import Message

_BETWEEN = "\x1e"
_MEDIA = "\x1f"  # stands for an image or a sound: its bytes are not what the engine prefills


def ask_of(view: RequestView, session: str, router: Router) -> Ask:
    """The facts of a request that the router's policy wants; nothing is read that it does not."""
    request = view.request
    if router.needs_prompt:
        if isinstance(request, ChatRequest):
            return ask.ask_of(_chat(request), seed=_seed(view.model, request))
        if isinstance(request, CompletionRequest) and isinstance(request.prompt, str):
            return ask.ask_of(request.prompt.encode(errors="replace"), seed=_short(view.model))
    if router.needs_session:
        named = session or getattr(request, "user", None) or ""
        return Ask(session=named)
    return NOTHING


def _seed(model: str, request: ChatRequest) -> str:
    """What changes all that follows: the adapter that the model's name may be, and the tools."""
    tools = [tool.function.name for tool in request.tools or () if tool.function is not None]
    return _BETWEEN.join((_short(model), *tools))


def _short(model: str) -> str:
    """Clients name a model with its owner or without."""
    return model.rpartition("/")[2]


def _chat(request: ChatRequest) -> bytes:
    return _BETWEEN.join([_said(message) for message in request.messages]).encode(errors="replace")


def _said(message: Message) -> str:
    content = message.content
    if isinstance(content, list):
        content = "".join([part.text or _MEDIA for part in content])
    text = f"{message.role}{_MEDIA}{content or ''}"
    for call in message.tool_calls or ():
        if call.function is not None:
            text += f"{_MEDIA}{call.function.name}{call.function.arguments}"
    return text
