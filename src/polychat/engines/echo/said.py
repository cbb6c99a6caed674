"""What the echo engine says to a chat, before any limit: reasoning, text, calls of tools.

* the last user message; to results of tools, the results
* a first line `think: X`: X is the reasoning, the rest is what is answered
* `response_format`: the text if it fits, else the smallest JSON that does
* `continue_final_message`: the rest of the answer, when it begins with the assistant's last message; else all
"""

import json
from dataclasses import dataclass

from polychat.engines.echo.calls import Call, calls_of, json_object
from polychat.engines.echo.instances import dumps, instance
from polychat.engines.echo.messages import Conversation, Json, thought
from polychat.errors import RequestError


@dataclass(frozen=True, slots=True)
class Said:
    text: str
    reasoning: str = ""
    calls: tuple[Call, ...] = ()


def said(request: Json, talk: Conversation) -> Said:
    """The whole answer.

    Raises:
        RequestError: the request asks for what cannot be.
    """
    reasoning, asked = thought("\n".join(talk.results) or talk.asked)
    calls = calls_of(request, thought(talk.asked)[1], is_answering=bool(talk.results))
    if calls:
        return Said("", reasoning, calls)
    text = _formatted(request, asked)
    if request.get("continue_final_message") is True:
        return Said(_rest(talk, text), reasoning)
    return Said(text, reasoning)


def _formatted(request: Json, asked: str) -> str:
    wanted = request.get("response_format")
    match wanted.get("type") if isinstance(wanted, dict) else "text":
        case "json_object":
            return asked if json_object(asked) is not None else "{}"
        case "json_schema":
            assert isinstance(wanted, dict)
            return _fitting(wanted, asked)
        case _:
            return asked


def _fitting(wanted: Json, asked: str) -> str:
    about = wanted.get("json_schema")
    schema = about.get("schema") if isinstance(about, dict) else None
    if schema is None:
        raise RequestError("'response_format.json_schema.schema' is required.", param="response_format")
    given = _value(asked)
    made = instance(schema, given, param="response_format")
    return asked if given is not None and made == given else dumps(made)


def _value(text: str) -> object:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def _rest(talk: Conversation, text: str) -> str:
    last = talk.turns[-1]
    if last.role != "assistant":
        raise RequestError(
            "'continue_final_message' needs a last message of role 'assistant'.",
            param="continue_final_message",
        )
    return text.removeprefix(last.text)
