"""JSON schemas as llama.cpp's grammars can be held to: what it would ignore is rewritten or refused.

Its patterns know groups, classes, alternatives and repetitions. Everything else it reads as plain characters,
and its "." and "[^x]" let quotes and control characters into a JSON string. A rewritten pattern never matches
more than the client's.
"""

import re
from collections.abc import Mapping
from typing import Any

from polychat.errors import RequestError

MAX_OPTIONAL = 500  # properties of one object: the grammar grows with their square
MAX_REPETITIONS = 2000  # of nested groups in a pattern, multiplied
_NOT_SCHEMAS = ("const", "enum", "default", "examples")
_NOT_IN_STRINGS = r'"\\\x00-\x1F'
_CLASSES = {"d": "0-9", "w": "A-Za-z0-9_", "s": " "}
_TOKEN = re.compile(r"\\.|\(\?[:=!<]?|\[\^?|\]|[*+?}]\?|.", re.DOTALL)
_GROUP_REPEATED = re.compile(r"\)\{(?:\d*,)?(\d+)\}")


def compilable(schema: Any, param: str) -> Any:  # Any: decoded JSON
    """The schema with its patterns in llama.cpp's dialect.

    Raises:
        RequestError: its grammar could not hold the answer to this schema, or would take minutes to make.
    """
    if isinstance(schema, list):
        return [compilable(item, param) for item in schema]
    if not isinstance(schema, dict):
        return schema
    _require_few_optional(schema, param)
    return {
        key: pattern(value, param)
        if key == "pattern" and isinstance(value, str)
        else value
        if key in _NOT_SCHEMAS
        else compilable(value, param)
        for key, value in schema.items()
    }


def pattern(text: str, param: str) -> str:
    """A regular expression of ECMA 262 in llama.cpp's dialect, which matches whole strings only.

    Raises:
        RequestError: it uses what llama.cpp's grammars have not.
    """
    _require_few_repetitions(text, param)
    parts = []
    in_class = False
    for token in _TOKEN.findall(text.removeprefix("^").removesuffix("$")):
        parts.append(_rewritten(token, in_class, text, param))
        in_class = token.startswith("[") or (in_class and token != "]")
    body = "".join(parts)
    return f"^(?:{body})$" if "|" in body else f"^{body}$"


def _rewritten(token: str, in_class: bool, text: str, param: str) -> str:
    if token.startswith("\\"):
        return _escape(token, in_class, text, param)
    if in_class:
        return token
    match token:
        case ".":
            return f"[^{_NOT_IN_STRINGS}]"
        case "[^":
            return f"[^{_NOT_IN_STRINGS}"
        case "(?=" | "(?!" | "(?<" | "(?":
            raise _unsupported(text, "lookaround", param)
        case "*?" | "+?" | "??" | "}?":  # in a hurry or not, the same strings match
            return token[0]
    return token


def _escape(token: str, in_class: bool, text: str, param: str) -> str:
    letter = token[1]
    if letter in _CLASSES:
        return _CLASSES[letter] if in_class else f"[{_CLASSES[letter]}]"
    if letter.lower() in _CLASSES and not in_class:
        return f"[^{_CLASSES[letter.lower()]}{_NOT_IN_STRINGS}]"
    if letter.isalnum():
        raise _unsupported(text, token, param)
    return token


def _unsupported(text: str, what: str, param: str) -> RequestError:
    return RequestError(
        f"The pattern {text[:80]!r} uses {what}, which this model's engine has not.", param=param
    )


def _require_few_repetitions(text: str, param: str) -> None:
    product = 1
    for count in _GROUP_REPEATED.findall(text):
        product *= max(1, int(count[:9]))
    if product > MAX_REPETITIONS:
        raise RequestError(
            f"The pattern {text[:80]!r} repeats its groups {product} times; "
            f"at most {MAX_REPETITIONS} are possible.",
            param=param,
        )


def _require_few_optional(schema: Mapping[str, Any], param: str) -> None:
    properties, required = schema.get("properties"), schema.get("required")
    if isinstance(properties, dict) and len(properties) > MAX_OPTIONAL:
        num_optional = len(properties) - (len(required) if isinstance(required, list) else 0)
        if num_optional > MAX_OPTIONAL:
            raise RequestError(
                f"An object of the schema has {num_optional} properties that are not required; "
                f"at most {MAX_OPTIONAL} are possible.",
                param=param,
            )
