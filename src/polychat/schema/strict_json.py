"""Whether a request's body is JSON that every engine reads the same way, fields that are skipped included.

Stricter than most parsers: what they read differently (a key twice, half a surrogate pair, NUL, numbers that
no machine type holds, nesting that overflows stacks) is refused. A fast decoder passes what is usual; what it
cannot vouch for is looked at by a slower one, which also says what is wrong and where.
"""

import json
import math
import re
from collections.abc import Iterable
from typing import TypeGuard

import msgspec

from polychat.errors import RequestError

MAX_DEPTH = 128
MAX_VALUES = 4_000_000
_MAX_LOCATED_BYTES = 1024 * 1024  # in a larger body a problem is named, but not looked for a second time
_SMALL_BYTES = 8192
_DIGITS = bytes.maketrans(b"123456789E", b"000000000e")
_GOOD_ESCAPES = re.compile(  # from the beginning up to the first escape that is no character
    rb"(?:[^\\]+|\\[^u]"
    rb"|\\u(?:[1-9a-cA-CeEfF][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}|0(?!000)[0-9a-fA-F]{3}"
    rb"|[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}))*+",
    re.DOTALL,
)
_LONG = b"0" * 19  # digits, as _DIGITS leaves them: perhaps a number beyond 64 bits
_UNTOLD = (b"\\u0000", b"\\u003")  # the fast decoder takes a NUL; and this may be a colon
_FAST = msgspec.json.Decoder()
_SUSPECTS = (b"\\u0000", b"\\ud", b"\\uD")


def check(body: bytes) -> None:
    """Return if the body is one strict JSON object.

    Raises:
        RequestError: it is not; says what is wrong and where.
    """
    if not _is_surely_right(body):
        _check_slowly(body)


def _is_surely_right(body: bytes) -> bool:
    """Whether the fast decoder takes the body, and what that does not tell cannot be wrong either.

    Of a key that comes twice it keeps the last value: then what it has read, written again, has fewer colons,
    as each key has one, and each text has as many as before unless one was written as an escape.
    """
    if _LONG in body.translate(_DIGITS) or (b"\\" in body and any(each in body for each in _UNTOLD)):
        return False
    try:
        document = _FAST.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    num_colons = body.count(b":")
    if type(document) is not dict or msgspec.json.encode(document).count(b":") != num_colons:
        return False
    # An object within another has a key there, so this bounds the depth.
    return num_colons + body.count(b"[") < MAX_DEPTH or not _is_too_deep(document)


def _check_slowly(body: bytes) -> None:
    text = _text(body)
    if b"\\u" in body and any(suspect in body for suspect in _SUSPECTS):
        _check_escapes(body)
    if len(body) > MAX_VALUES:
        _check_num_values(body)
    decoder = _EXACT if len(body) < _SMALL_BYTES or _may_overflow(body) else _PLAIN
    try:
        document = _decoded(text, decoder)
    except _Problem as problem:
        path = _path_of_problem(text)
        place = f" at '{path}'" if path else ""
        raise RequestError(f"The request body holds{place} {problem.what}.", param=path or None) from None
    except json.JSONDecodeError as exc:
        raise RequestError(_what_is_malformed(exc)) from None
    except RecursionError:
        raise _too_deep() from None
    if type(document) is not dict:
        raise RequestError(f"The request body must be a JSON object, not {_kind(document)}.")
    if _is_too_deep(document):
        raise _too_deep()


def _decoded(text: str, decoder: json.JSONDecoder) -> object:
    if not text.startswith("{"):
        return decoder.decode(text)
    document, end = decoder.raw_decode(text)
    if end < len(text) and text[end:].strip(" \t\r\n"):
        return decoder.decode(text)  # says what is wrong after the end
    return document


class _Problem(Exception):
    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def _text(body: bytes) -> str:
    if not body:
        raise RequestError("The request body is empty; send a JSON object.")
    if body.startswith(b"\xef\xbb\xbf"):
        raise RequestError("The request body begins with a byte order mark at position 0; send plain UTF-8.")
    try:
        return body.decode()
    except UnicodeDecodeError as exc:
        raise RequestError(f"The request body is not UTF-8: bad byte at position {exc.start}.") from None


def _check_escapes(body: bytes) -> None:
    good = _GOOD_ESCAPES.match(body)
    position = good.end() if good else 0
    match body[position : position + 3].lower():
        case b"\\u0":
            what = "a NUL character"
        case b"\\ud":
            what = "half of a surrogate pair"
        case _:
            return
    raise RequestError(f"The request body holds {what} at position {position}, which is not text.")


def _check_num_values(body: bytes) -> None:
    """Commas within texts count too: no text that a model can read has so many."""
    if body.count(b",") + body.count(b"[") + body.count(b"{") > MAX_VALUES:
        raise RequestError(f"The request body holds more than {MAX_VALUES} commas and brackets.")


def _may_overflow(body: bytes) -> bool:
    """Whether a number in the body may be long or have a large exponent. Also true of some texts."""
    digits = body.translate(_DIGITS)
    return _LONG in digits or b"e000" in digits or b"e+000" in digits


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise _Problem(f"an object with the key {_short(_repeated(pairs))} twice")
    return fields


def _repeated(pairs: list[tuple[str, object]]) -> str:
    seen: set[str] = set()
    return next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]


def _integer(digits: str) -> int:
    if len(digits) > 20 or not -(2**63) <= (value := int(digits)) < 2**64:
        raise _Problem(f"{_short(digits)}, a number beyond 64 bits")
    return value


def _float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise _Problem(f"{_short(digits)}, a number too large for a double")
    return value


def _constant(name: str) -> float:
    raise _Problem(f"{name}, which is not JSON")


_PLAIN = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)
_EXACT = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer, parse_float=_float
)


def _is_too_deep(document: dict[str, object]) -> bool:
    level: list[Iterable[object]] = [document.values()]
    for _ in range(MAX_DEPTH):
        inner = [value for values in level for value in values]
        level = [value.values() if isinstance(value, dict) else value for value in inner if _holds(value)]
        if not level:
            return False
    return True


def _holds(value: object) -> TypeGuard[dict[str, object] | list[object]]:
    return type(value) in (dict, list)


def _too_deep() -> RequestError:
    return RequestError(f"The request body is nested too deeply: more than {MAX_DEPTH} levels.")


def _what_is_malformed(exc: json.JSONDecodeError) -> str:
    if exc.pos >= len(exc.doc.rstrip()) and exc.msg != "Extra data":
        return f"The request body is not valid JSON: it ends too early, at position {exc.pos}."
    what = exc.msg.removesuffix(" at").removesuffix(" starting")
    place = f"position {exc.pos} (line {exc.lineno}, column {exc.colno})"
    return f"The request body is not valid JSON: {what} at {place}."


def _kind(value: object) -> str:
    kinds = {list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return kinds.get(type(value), "a number")


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")


class _Pairs(list[tuple[str, object]]):
    """An object as it was written."""


class _Marked(str):
    """A value that is a problem."""

    __slots__ = ()


def _path_of_problem(text: str) -> str:
    """Where the first of what the decoder refuses is, "" in a very large body."""
    if len(text) > _MAX_LOCATED_BYTES:
        return ""
    try:
        return _first_marked(_LOCATING.decode(text))
    except (json.JSONDecodeError, RecursionError):  # what comes after the problem is no better
        return ""


def _first_marked(document: object) -> str:
    stack: list[tuple[str, object]] = [("", document)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, _Marked):
            return path
        if isinstance(value, _Pairs):
            if len(dict(value)) != len(value):
                return f"{path}.{_repeated(value)}".lstrip(".")
            stack.extend((f"{path}.{key}".lstrip("."), inner) for key, inner in reversed(value))
        elif isinstance(value, list):
            stack.extend((f"{path}[{i}]", inner) for i, inner in reversed(list(enumerate(value))))
    return ""


def _mark(digits: str) -> object:
    try:
        return _float(digits) if set(digits) & set(".eE") else _integer(digits)
    except _Problem:
        return _Marked(digits)


_LOCATING = json.JSONDecoder(
    object_pairs_hook=_Pairs, parse_constant=_Marked, parse_int=_mark, parse_float=_mark
)
