"""Prompts: what the model reads for a chat, a text, a list of token ids, or a gap to fill."""

from collections.abc import Mapping, Sequence
from typing import Any

from polychat.engines.transformers.asking import Extras, Prompt, seen_by_template, shown_tools
from polychat.engines.transformers.served import Served
from polychat.errors import RequestError, UnsupportedFeature
from polychat.schema.chat import ChatRequest
from polychat.schema.completions import CompletionRequest
from polychat.schema.messages import Message
from polychat.types import Feature

_OURS = frozenset(
    {"conversation", "tools", "chat_template", "tokenize", "return_dict", "return_tensors", "padding"}
    | {"truncation", "max_length", "tokenizer_kwargs", "return_assistant_tokens_mask", "documents"}
    | {"continue_final_message", "add_generation_prompt", "processor_kwargs", "messages"}
)


def of_chat(served: Served, request: ChatRequest, extras: Extras) -> Prompt:
    """The prompt of a chat.

    Raises:
        RequestError: the template refuses it, or the model sees no pictures.
    """
    goes_on = bool(request.continue_final_message)
    return of_messages(
        served,
        request.messages,
        shown_tools(request),
        {
            **_effort(request),
            **asked_of_template(extras),
            "add_generation_prompt": not goes_on and request.add_generation_prompt is not False,
            "continue_final_message": goes_on,
        },
    )


def of_messages(
    served: Served, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]], more: Mapping[str, Any]
) -> Prompt:
    """The prompt that the chat template writes. `more`: its other variables."""
    seen = seen_by_template(messages, served.text.template, in_parts=served.pictures is not None)
    has_pictures = any(
        part["type"] == "image"
        for each in seen
        if isinstance(each["content"], list)
        for part in each["content"]
    )
    if has_pictures:
        if served.pictures is None:
            raise UnsupportedFeature(served.name, Feature.VISION)
        return served.pictures.prompt(seen, tools, more)
    return Prompt(tuple(served.text.chat(seen, tools, **more)))


def of_completion(served: Served, request: CompletionRequest) -> list[Prompt]:
    """The prompts of a completion, in their order.

    Raises:
        RequestError: a token that there is not, an empty prompt, a suffix to a model that fills no gaps.
    """
    given = request.prompt
    if isinstance(given, str):
        many: Sequence[str | Sequence[int]] = [given]
    elif isinstance(given[0], int):
        many = [[each for each in given if isinstance(each, int)]]
    else:
        many = [each for each in given if not isinstance(each, int)]
    return [_prompt(served, each, request.suffix) for each in many]


def checked_ids(served: Served, ids: Sequence[int], param: str) -> tuple[int, ...]:
    """Raises RequestError for a token that the vocabulary lacks."""
    if absent := [id_ for id_ in ids if id_ >= served.text.num_ids]:
        raise RequestError(
            f"'{param}' has the token {absent[0]}; this model's are 0 to {served.text.num_ids - 1}.",
            param=param,
        )
    return tuple(ids)


def _prompt(served: Served, given: str | Sequence[int], suffix: str | None) -> Prompt:
    if suffix:
        return _gap(served, given, suffix)
    if not isinstance(given, str):
        return Prompt(checked_ids(served, given, "prompt"), served.text.decode(given))
    ids = served.text.encode(given) or served.text.beginning
    if not ids:
        raise RequestError("This model needs a prompt that is not empty.", param="prompt")
    return Prompt(tuple(ids), given)


def _gap(served: Served, given: str | Sequence[int], suffix: str) -> Prompt:
    marks = served.text.gap_marks
    if marks is None:
        raise UnsupportedFeature(served.name, Feature.SUFFIX)
    before = given if isinstance(given, str) else served.text.decode(given)
    begins, gap, ends = marks
    return Prompt(tuple(served.text.encode(f"{begins}{before}{gap}{suffix}{ends}")))


def _effort(request: ChatRequest) -> dict[str, Any]:
    """The two names by which templates know how much to think."""
    effort = request.reasoning_effort
    if effort is None:
        return {}
    return {"reasoning_effort": effort, "enable_thinking": effort != "none"}


def asked_of_template(extras: Extras) -> dict[str, Any]:
    """The template's own variables that a request sets.

    Raises:
        RequestError: one is ours to set.
    """
    kwargs = extras.chat_template_kwargs or {}
    for name in kwargs:
        if name in _OURS:
            raise RequestError(
                f"'chat_template_kwargs' may not hold {name!r}: it is none of the template's own variables.",
                param="chat_template_kwargs",
            )
    return dict(kwargs)
