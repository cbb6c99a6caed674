"""From a request to the jobs that answer it. What the model cannot be asked is refused here."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from polychat.engines.forced_call import allowed, forced_tools, format_of
from polychat.engines.llamacpp.schemas import compilable
from polychat.engines.transformers.job import Grammar, Job, Media, Sampling
from polychat.errors import ContextLengthExceeded, RequestError
from polychat.schema.chat import ChatRequest
from polychat.schema.completions import CompletionRequest
from polychat.schema.generation import GenerationRequest
from polychat.schema.messages import Message
from polychat.schema.tools import Tool
from polychat.schema.validation import parser_of

_DEFAULT_TOKENS = 16  # of a completion, as OpenAI published
_SPACE, _LINES = " ?", r"\n? {0,16}"


class Extras(msgspec.Struct):
    """What vLLM's API has beside OpenAI's."""

    top_k: int | None = None
    min_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    repetition_penalty: Annotated[float, Meta(gt=0)] | None = None
    ignore_eos: bool | None = None
    min_tokens: Annotated[int, Meta(ge=0)] | None = None
    stop_token_ids: list[int] | None = None
    guided_regex: str | None = None
    guided_grammar: str | None = None
    verbose: bool | None = None  # llama.cpp's: name the stop string that was met
    chat_template_kwargs: dict[str, Any] | None = None  # Any: decoded JSON, for the template


parse_extras = parser_of(Extras)
Request = ChatRequest | CompletionRequest


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model reads."""

    ids: tuple[int, ...]
    text: str = ""  # shown again to those who ask for an echo
    media: Media | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What the model can take."""

    context_length: int
    num_ids: int  # in its vocabulary
    default: Sampling  # what the model's own settings advise


def jobs(request: Request, extras: Extras, prompt: Prompt, limits: Limits) -> list[Job]:
    """One job for each choice of one prompt. They differ in their seeds.

    Raises:
        RequestError: the prompt leaves no room, or names tokens that there are not.
    """
    room = _room(request, prompt, limits)
    asked = _asked_tokens(request)
    job = Job(
        prompt=prompt.ids,
        max_tokens=room if asked is None else min(asked, room),
        stop_tokens=frozenset(extras.stop_token_ids or ()),
        ignore_eos=bool(extras.ignore_eos),
        min_tokens=extras.min_tokens or 0,
        sampling=_sampling(request, extras, limits),
        grammar=_grammar(request, extras),
        num_logprobs=_num_logprobs(request),
        prompt_logprobs=isinstance(request, CompletionRequest)
        and bool(request.echo)
        and request.logprobs is not None,
        media=prompt.media,
    )
    num = request.n or 1
    if isinstance(request, CompletionRequest):
        num = request.best_of or num
    return [job if at == 0 else _reseeded(job, at) for at in range(num)]


def stops(request: GenerationRequest) -> list[str]:
    return [request.stop] if isinstance(request.stop, str) else list(request.stop or ())


def shown_tools(request: ChatRequest) -> list[dict[str, Any]]:  # Any: decoded JSON, for the template
    """The tools as chat templates are shown them."""
    chosen = allowed(request)
    return described((request.tools if chosen is None else chosen) or ())


def described(tools: Sequence[Tool]) -> list[dict[str, Any]]:  # Any: decoded JSON
    return [
        {key: value for key, value in tool.items() if value is not None}
        | {"function": _set(tool["function"])}
        for tool in msgspec.json.decode(msgspec.json.encode(tools))
    ]


def _set(function: dict[str, Any]) -> dict[str, Any]:
    """Templates ask whether a field is defined, and null is."""
    return {key: value for key, value in function.items() if value is not None}


def _asked_tokens(request: Request) -> int | None:
    if isinstance(request, ChatRequest):
        return request.max_completion_tokens or request.max_tokens
    return _DEFAULT_TOKENS if request.max_tokens is None else request.max_tokens


def _room(request: Request, prompt: Prompt, limits: Limits) -> int:
    is_chat = isinstance(request, ChatRequest)
    wanted = 0 if _asked_tokens(request) == 0 else 1
    if len(prompt.ids) + wanted > limits.context_length:
        raise ContextLengthExceeded(
            prompt_tokens=len(prompt.ids),
            context_length=limits.context_length,
            param="messages" if is_chat else "prompt",
        )
    return limits.context_length - len(prompt.ids)


def _sampling(request: GenerationRequest, extras: Extras, limits: Limits) -> Sampling:
    default = limits.default
    return Sampling(
        temperature=default.temperature if request.temperature is None else request.temperature,
        top_p=default.top_p if request.top_p is None else request.top_p,
        top_k=default.top_k if extras.top_k is None else max(0, extras.top_k),
        min_p=default.min_p if extras.min_p is None else extras.min_p,
        seed=request.seed,
        presence_penalty=request.presence_penalty or 0.0,
        frequency_penalty=request.frequency_penalty or 0.0,
        repetition_penalty=extras.repetition_penalty or default.repetition_penalty,
        logit_bias=_biases(request.logit_bias or {}, limits.num_ids),
    )


def _biases(asked: Mapping[str, float], num_ids: int) -> dict[int, float]:
    biases = {int(token): float(bias) for token, bias in asked.items()}
    if absent := [token for token in biases if token >= num_ids]:
        raise RequestError(
            f"'logit_bias' names the token {absent[0]}; this model's are 0 to {num_ids - 1}.",
            param="logit_bias",
        )
    return biases


def _grammar(request: Request, extras: Extras) -> Grammar | None:
    if extras.guided_regex:
        return Grammar("regex", extras.guided_regex)
    if extras.guided_grammar:
        return Grammar("lark", extras.guided_grammar)
    if not isinstance(request, ChatRequest):
        return None
    if functions := forced_tools(request):
        described: Any = format_of(functions, compilable)["json_schema"]  # Any: JSON that we made
        return Grammar("json_schema", _spaced(described["schema"], _SPACE))
    asked = request.response_format
    if asked is None or asked.type == "text":
        return None
    schema: Any = msgspec.json.decode(asked.json_schema.schema) if asked.json_schema else {"type": "object"}
    return Grammar("json_schema", _spaced(schema, _LINES))


def _spaced(schema: Any, whitespace: str) -> str:  # Any: JSON
    """The schema's text, with so much space as may stand between values: weak models never stop otherwise."""
    if isinstance(schema, dict):
        schema = {**schema, "x-guidance": {"whitespace_pattern": whitespace}}
    return msgspec.json.encode(schema).decode()


def _num_logprobs(request: Request) -> int | None:
    if isinstance(request, ChatRequest):
        return (request.top_logprobs or 0) if request.logprobs else None
    if request.logprobs is None and (request.best_of or 1) > (request.n or 1):
        return 0  # the likeliest are to be found
    return request.logprobs


def _reseeded(job: Job, place: int) -> Job:
    seed = job.sampling.seed
    other = secrets.randbits(31) if seed is None else seed + place
    return replace(job, sampling=replace(job.sampling, seed=other))


def seen_by_template(
    messages: Sequence[Message], template: str, *, in_parts: bool
) -> list[dict[str, Any]]:  # Any: decoded JSON, for the template
    """Messages as chat templates expect them: arguments as objects, texts in one piece.

    `in_parts`: contents stay lists of parts, as templates of models that see read them.
    """
    roles = {"function": "tool"}
    if "developer" not in template:
        roles["developer"] = "system"
    return [_message(msgspec.to_builtins(message), roles, in_parts=in_parts) for message in messages]


def _message(message: dict[str, Any], roles: Mapping[str, str], *, in_parts: bool) -> dict[str, Any]:
    kept = {key: value for key, value in message.items() if value is not None}
    kept["role"] = roles.get(kept["role"], kept["role"])
    kept["content"] = _content(message.get("content") or message.get("refusal") or "", in_parts=in_parts)
    if calls := kept.get("tool_calls"):
        kept["tool_calls"] = [call | {"function": _function(call["function"])} for call in calls]
    return kept


def _content(content: Any, *, in_parts: bool) -> Any:
    """Texts joined, unless there are pictures between them."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if in_parts else content
    if in_parts or any(part["type"] == "image_url" for part in content):
        return [_part(part) for part in content]
    return "".join(part.get("text") or part.get("refusal") or "" for part in content)


def _part(part: dict[str, Any]) -> dict[str, Any]:
    if part["type"] == "image_url":
        return {"type": "image", "url": part["image_url"]["url"]}
    return {"type": "text", "text": part.get("text") or part.get("refusal") or ""}


def _function(function: dict[str, Any]) -> dict[str, Any]:
    try:
        arguments = msgspec.json.decode(function["arguments"] or "{}")
    except msgspec.DecodeError:
        arguments = function["arguments"]
    return function | {"arguments": arguments}
