"""From a request's bytes to a typed request, or to one sentence that names the field and what is wrong."""

import json
import re
from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from polychat.errors import RequestError
from polychat.schema import strict_json
from polychat.schema.chat import ChatRequest
from polychat.schema.choices import choices_at
from polychat.schema.completions import CompletionRequest
from polychat.schema.embeddings import EmbeddingRequest

Request = TypeVar("Request")

_NAME = "a name of 1 to 64 letters, digits, underscores and dashes"
ALLOWED = {  # what a field may be, where the type does not say it all
    "temperature": "a number from 0 to 2",
    "top_p": "a number from 0 to 1",
    "presence_penalty": "a number from -2 to 2",
    "frequency_penalty": "a number from -2 to 2",
    "n": "an integer from 1 to 128",
    "best_of": "an integer from 1 to 20",
    "top_logprobs": "an integer from 0 to 20",
    "seed": "a 64-bit integer",
    "stop": "a string or a list of up to 4 strings, none of them empty",
    "messages": "a list of at least one message",
    "messages[].content": "a string or a list of at least one content part",
    "prompt": "a string, or a list of at least one string or token",
    "prompt[][]": "a token: an integer of at least 0",
    "input": "a string, or a list of at least one string or token",
    "logit_bias": "an object of token ids to numbers from -100 to 100",
    "metadata": "an object of at most 16 strings of up to 512 characters, their keys of up to 64",
    "tools": "a list of at most 128 tools",
    "tools[].function.name": _NAME,
    "response_format.json_schema.name": _NAME,
    "tool_choice": "'none', 'auto', 'required' or an object that names a tool",
    "encoding_format": "'float' or 'base64'",
}
TYPES = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
}
_LISTS = {"stop[]": "stop", "prompt[]": "prompt", "input[]": "input"}  # an item is explained by its list
_AT = re.compile(r" - at `(?:key` in `)?\$\.?(?P<path>[^`]*)`$")
_OWN = re.compile(r"^\[(?P<field>[\w.\[\]]+)\] (?P<text>.*)$")
_MISSING = re.compile(r"^Object missing required field `(?P<field>\w+)`$")
_EXPECTED = re.compile(r"^Expected `(?P<types>[\w |]+)`(?P<limit>.*)$")
_MAX_SHOWN = 80  # characters of the client's value in a message


def parser_of(kind: type[Request], allowed: Mapping[str, str] = ALLOWED) -> Callable[[bytes], Request]:
    """What makes a `kind` of a request's body, or raises RequestError. Make it once, at import.

    `allowed` says in words what a field may be; another API's fields of the same name have their own.
    """
    decoder = msgspec.json.Decoder(kind)
    return lambda body: _parse(body, decoder, allowed)


def _parse(body: bytes, decoder: "msgspec.json.Decoder[Request]", allowed: Mapping[str, str]) -> Request:
    strict_json.check(body)  # the decoder does not look into fields that it skips
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as exc:
        raise _explain(str(exc), body, decoder.type, allowed) from exc
    except msgspec.DecodeError as exc:
        raise RequestError(f"The request body is not valid JSON: {exc}.") from exc


def _explain(problem: str, body: bytes, kind: type, allowed: Mapping[str, str]) -> RequestError:
    """The error for a body that is JSON but no request. `problem` is msgspec's message."""
    at = _AT.search(problem)
    path, problem = (at["path"], problem[: at.start()]) if at else ("", problem)
    if own := _OWN.match(problem):
        path = _join(path, own["field"])
        return RequestError(f"'{path}' {own['text']}.", param=path)
    if missing := _MISSING.match(problem):
        path = _join(path, missing["field"])
        return RequestError(f"'{path}' is required.", param=path)
    if not path:
        got = f", not {_article(problem)}" if "got `" in problem else ""
        return RequestError(f"The request body must be a JSON object{got}.")
    path = path.replace("[...]", "")
    shown = _show_value_at(body, path)
    choices = choices_at(kind, path)
    must = f"be {choices}" if choices else _allowed(path, problem, allowed)
    return RequestError(f"Invalid value for '{path}'{shown}; it must {must}.", param=path)


def _allowed(path: str, problem: str, allowed: Mapping[str, str]) -> str:
    """How the sentence "it must …" ends."""
    general = re.sub(r"\[\d+\]", "[]", path)
    if known := allowed.get(general) or allowed.get(_LISTS.get(general, "")):
        return f"be {known}"
    expected = _EXPECTED.match(problem)
    if expected is None:
        return f"be something else ({problem})"
    if "length >= 1" in expected["limit"]:
        return "not be empty"
    names = [TYPES.get(name, name) for name in expected["types"].split(" | ") if name != "null"]
    limit = expected["limit"].replace(" >= ", " of at least ").replace(" <= ", " of at most ")
    return "be " + " or ".join(names) + limit.partition(",")[0]


def _join(path: str, field: str) -> str:
    return f"{path}.{field}" if path else field


def _article(problem: str) -> str:
    got = problem.rsplit("got `", 1)[-1].rstrip("`")
    return TYPES.get(got, got)


def _value_at(body: bytes, path: str) -> object:
    """The value that `path` ("messages[0].role") leads to in the body, which is valid JSON."""
    value: object = json.loads(body)
    for key, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        if isinstance(value, list) and index and int(index) < len(value):
            value = value[int(index)]
        elif isinstance(value, dict) and key in value:
            value = value[key]
    return value


def _show_value_at(body: bytes, path: str) -> str:
    """ ": VALUE" for the sentence, or nothing when the rest of the body cannot be read."""
    try:
        text = json.dumps(_value_at(body, path), ensure_ascii=False)
    except (ValueError, RecursionError):
        return ""
    return ": " + (text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…")


parse_chat = parser_of(ChatRequest)
parse_completion = parser_of(CompletionRequest)
parse_embedding = parser_of(EmbeddingRequest)
