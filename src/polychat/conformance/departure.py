"""What a scenario says when an endpoint departs from the API, and the checks that say it."""

import json
from collections.abc import Collection
from typing import Any

import jsonschema

Json = Any  # decoded JSON of an endpoint that may have sent anything
_MAX_SHOWN = 120  # characters of evidence


class Departure(Exception):
    """The endpoint departs from the published API. The text: what was expected, and what came."""

    def __init__(self, expected: str, got: object) -> None:
        super().__init__(f"expected {expected}, got {got if isinstance(got, Said) else shown(got)}")


class NotApplicable(Exception):
    """The scenario cannot be tried on this model; the text says why."""


class Said(str):
    """Evidence in words: shown without quotes."""

    __slots__ = ()


def shown(value: object) -> str:
    """The value as JSON, cut to a length that a table bears."""
    text = json.dumps(value, ensure_ascii=False, default=_plain)
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"


def _plain(value: object) -> object:
    return sorted(map(str, value)) if isinstance(value, set | frozenset) else repr(value)


def at(document: Json, *path: str | int) -> Json:
    """What lies in `document` at `path`; a Departure if nothing does."""
    value = document
    for place, step in enumerate(path):
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            where = ".".join(map(str, path[: place + 1]))
            raise Departure(f"'{where}' in the answer", document) from None
    return value


def require(condition: object, expected: str, got: object) -> None:
    """`condition` holds; else a Departure."""
    if not condition:
        raise Departure(expected, got)


def equal(got: object, wanted: object, what: str) -> None:
    """`got` is `wanted`; else a Departure that calls it `what`."""
    if got != wanted:
        raise Departure(f"{what} {shown(wanted)}", got)


def one_of(got: object, allowed: Collection[object], what: str) -> None:
    """`got` is one of `allowed`; else a Departure that calls it `what`."""
    if got not in allowed:
        raise Departure(f"{what} one of {shown(list(allowed))}", got)


def text(value: Json, what: str) -> str:
    """`value`, which must be a string."""
    if not isinstance(value, str):
        raise Departure(f"{what} to be a string", value)
    return value


def count(value: Json, what: str) -> int:
    """`value`, which must be an integer of at least 0."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Departure(f"{what} to be a whole number", value)
    return value


def parsed(document: Json, what: str) -> Json:
    """The JSON that a string of the answer holds."""
    try:
        return json.loads(text(document, what))
    except ValueError:
        raise Departure(f"{what} to be JSON", document) from None


def fits(value: Json, schema: Json, what: str) -> None:
    """`value` fits the schema; else a Departure."""
    try:
        jsonschema.validate(value, schema)
    except jsonschema.ValidationError as exc:
        raise Departure(f"{what} to fit its schema", Said(f"{shown(value)} ({exc.message})")) from None
