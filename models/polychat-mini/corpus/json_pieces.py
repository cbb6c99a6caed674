"""A JSON value as pieces: what the model decides, and what a grammar of its schema leaves open.

llama.cpp does not show the schema to the model. It lets through only tokens that fit, so a key is
never the model's own word, but spaces and line breaks between the parts are.
"""

import itertools
import json
from dataclasses import replace

from corpus.json_slips import Slip, Slips
from corpus.sample import JsonObject, JsonValue, Piece

DIGITS = tuple("0123456789-")
OPENINGS = {"string": ('"',), "integer": DIGITS, "number": DIGITS, "boolean": ("true", "false")}


def openings(schema: JsonObject) -> tuple[str, ...]:
    """The ways in which a value of `schema` may begin."""
    if "anyOf" in schema:
        return tuple(o for option in _list(schema["anyOf"]) for o in openings(_object(option)))
    if "enum" in schema:
        return tuple(json.dumps(choice, ensure_ascii=False)[:-1] for choice in _list(schema["enum"]))
    kind = str(schema["type"])
    if kind == "array":
        return ("[]", *("[" + o for o in openings(_object(schema["items"]))))
    return OPENINGS.get(kind, ('{"',) if kind == "object" else ("null",))


def render(
    value: JsonValue, schema: JsonObject, before: tuple[str, ...] = ("",), *, gap: str = " "
) -> list[Piece]:
    """`value` after the forced text `before`: first as written here, then the other ways to write it.

    gap: what is written after `:` and `,`.
    """
    if isinstance(value, dict):
        return _rendered_object(value, schema, before, gap)
    if isinstance(value, list) and value:
        return _rendered_array(value, schema, before, gap)
    text = json.dumps(value, ensure_ascii=False)
    starts = [o for o in openings(schema) if text.startswith(o)]
    start = max(starts, key=len)
    allowed = tuple(dict.fromkeys(b + o for b in before for o in openings(schema)))
    if isinstance(value, Slip):
        given = Piece(text[len(start) : -1], is_learned=False)
        return [Piece(before[0] + start, allowed), given, Piece('"')]
    return [Piece(before[0] + start, allowed), Piece(text[len(start) :])]


def _rendered_object(value: JsonObject, schema: JsonObject, before: tuple[str, ...], gap: str) -> list[Piece]:
    properties, pieces = _object(schema["properties"]), []
    for index, (key, item) in enumerate(value.items()):
        leads = (gap, *{" ", ""} - {gap}) if index else tuple(b + "{" for b in before)
        gaps = (gap, *{" ", ""} - {gap})
        ahead = tuple(lead + json.dumps(key) + ":" + g for lead, g in itertools.product(leads, gaps))
        pieces += [Piece(",")] if index else []
        pieces += render(item, _object(properties[key]), ahead, gap=gap)
    return [*pieces, Piece("}")]


def _rendered_array(
    value: list[JsonValue], schema: JsonObject, before: tuple[str, ...], gap: str
) -> list[Piece]:
    items = _object(schema["items"])
    pieces = render(value[0], items, tuple(b + "[" for b in before), gap=gap)
    may_be_empty = tuple(b + "[]" for b in before)
    pieces[0] = Piece(pieces[0].text, (*(pieces[0].allowed or ()), *may_be_empty))
    for item in value[1:]:
        pieces += [Piece(","), *render(item, items, (gap, *{" ", ""} - {gap}), gap=gap)]
    if isinstance(value, Slips):
        pieces = [*(replace(piece, is_learned=False) for piece in pieces[:-1]), pieces[-1]]
    return [*pieces, Piece("]")]


def _list(value: JsonValue) -> list[JsonValue]:
    assert isinstance(value, list)
    return value


def _object(value: JsonValue) -> JsonObject:
    assert isinstance(value, dict)
    return value
