"""From a request's bytes to a typed request, or to one sentence that names the field and what is wrong."""

import json
import re
from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from polychat.errors import RequestError
from polychat.schema.chat import ChatRequest
from polychat.schema.completions import CompletionRequest
from polychat.schema.embeddings import EmbeddingRequest

Request = TypeVar("Request")

ALLOWED = {  # what a field may be, where the type does not say it all
    "temperature": "a number from 0 to 2",
    "top_p": "a number from 0 to 1",
    "presence_penalty": "a number from -2 to 2",
    "frequency_penalty": "a number from -2 to 2",
    "n": "an integer from 1 to 128",
    "best_of": "an integer from 1 to 20",
    "top_logprobs": "an integer from 0 to 20",
    "seed": "a 64-bit integer",
    "stop": "a string or a list of up to 4 strings",
    "messages": "a list of at least one message",
    "messages[].role": "one of 'system', 'developer', 'user', 'assistant', 'tool' and 'function'",
    "messages[].content": "a string or a list of at least one content part",
    "prompt": "a string, or a list of at least one string or token",
    "input": "a string, or a list of at least one string or token",
    "logit_bias": "an object of token ids to numbers from -100 to 100",
    "tool_choice": "'none', 'auto', 'required' or an object that names a tool",
    "response_format.type": "one of 'text', 'json_object' and 'json_schema'",
    "encoding_format": "'float' or 'base64'",
    "input[].role": "one of 'user', 'assistant', 'system' and 'developer'",
    "include[]": "one of the values that OpenAI has published",
    "metadata": "an object of up to 16 strings of up to 512 characters, with keys of up to 64",
    "reasoning.effort": "one of 'none', 'minimal', 'low', 'medium', 'high', 'xhigh' and 'max'",
    "reasoning.summary": "one of 'auto', 'concise' and 'detailed'",
    "service_tier": "one of 'auto', 'default', 'flex', 'scale', 'priority', 'fast' and 'ultrafast'",
    "text.format.type": "one of 'text', 'json_object' and 'json_schema'",
    "text.verbosity": "one of 'low', 'medium' and 'high'",
    "tool_choice.mode": "'auto' or 'required'",
    "truncation": "'auto' or 'disabled'",
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
_OWN = re.compile(r"^\[(?P<field>\w+)\] (?P<text>.*)$")
_MISSING = re.compile(r"^Object missing required field `(?P<field>\w+)`$")
_EXPECTED = re.compile(r"^Expected `(?P<types>[\w |]+)`(?P<limit>.*)$")
_MAX_SHOWN = 80  # characters of the client's value in a message


def parser_of(kind: type[Request], allowed: Mapping[str, str] = ALLOWED) -> Callable[[bytes], Request]:
    """What makes a `kind` of a request's body, or raises RequestError. Make it once, at import.

    `allowed` says in words what a field may be; another API's fields of the same name have their own.
    """
    decode = msgspec.json.Decoder(kind).decode
    return lambda body: _parse(body, decode, allowed)


def _parse(body: bytes, decode: Callable[[bytes], Request], allowed: Mapping[str, str]) -> Request:
    if not body:
        raise RequestError("The request body is empty; send a JSON object.")
    try:
        body.decode()  # the decoder does not look into fields that it skips
        return decode(body)
    except UnicodeDecodeError as exc:
        raise RequestError(f"The request body is not UTF-8: bad byte at position {exc.start}.") from exc
    except RecursionError:
        raise RequestError("The request body is nested too deeply.") from None
    except msgspec.ValidationError as exc:
        raise _explain(str(exc), body, allowed) from exc
    except msgspec.DecodeError as exc:
        raise RequestError(f"The request body is not valid JSON: {_plain(str(exc))}.") from exc


def _plain(problem: str) -> str:
    if problem == "Input data was truncated":
        return "it ends too early"
    return problem.removeprefix("JSON is malformed: ")


def _explain(problem: str, body: bytes, allowed: Mapping[str, str]) -> RequestError:
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
        kind = f", not {_article(problem)}" if "got `" in problem else ""
        return RequestError(f"The request body must be a JSON object{kind}.")
    path = path.replace("[...]", "")
    shown = _show_value_at(body, path)
    return RequestError(
        f"Invalid value for '{path}'{shown}; it must {_allowed(path, problem, allowed)}.", param=path
    )


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
