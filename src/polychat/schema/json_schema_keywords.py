"""The keywords of JSON Schema 2020-12: what each may hold, and which hold schemas.

Source: https://json-schema.org/draft/2020-12/schema and the vocabularies that it names.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})

_ONE = (
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
)
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_NAMED = ("$defs", "definitions", "dependentSchemas", "patternProperties", "properties")


def schemas_within(schema: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], object]]:
    """What stands directly below a schema whose keywords are right, with the way to it."""
    for keyword, value in schema.items():
        if keyword in _ONE:
            yield (keyword,), value
        elif keyword in _LISTS:
            yield from (((keyword, str(index)), inner) for index, inner in enumerate(value))
        elif keyword in _NAMED:
            yield from (((keyword, name), inner) for name, inner in value.items())
        elif keyword == "dependencies":
            yield from (((keyword, name), one) for name, one in value.items() if not isinstance(one, list))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: object) -> bool:
    return _is_number(value) and value == int(value) >= 0  # type: ignore[call-overload]  # a number


def _are_names(value: object) -> bool:
    return (
        isinstance(value, list)
        and all(isinstance(name, str) for name in value)
        and len(set(value)) == len(value)
    )


def _are_types(value: object) -> bool:
    if isinstance(value, str):
        return value in TYPES
    return _are_names(value) and bool(value) and TYPES.issuperset(value)  # type: ignore[arg-type]  # a list of strings


def _maps_to_names(value: object) -> bool:
    return isinstance(value, dict) and all(map(_are_names, value.values()))


def _are_dependencies(value: object) -> bool:
    return isinstance(value, dict) and all(not isinstance(v, list) or _are_names(v) for v in value.values())


def _rule(is_right: Callable[[object], bool], what: str) -> Callable[[object], str]:
    return lambda value: "" if is_right(value) else what


_text = _rule(lambda value: isinstance(value, str), "a string")
_flag = _rule(lambda value: isinstance(value, bool), "true or false")
_list = _rule(lambda value: isinstance(value, list), "a list")
_number = _rule(_is_number, "a number")
_count = _rule(_is_count, "a whole number of at least 0")
_object = _rule(lambda value: isinstance(value, dict), "an object")

KEYWORDS: Mapping[str, Callable[[object], str]] = {
    **dict.fromkeys(("$id", "$schema", "$ref", "$anchor", "$dynamicRef", "$dynamicAnchor"), _text),
    **dict.fromkeys(("$comment", "$recursiveRef", "$recursiveAnchor", "title", "description"), _text),
    **dict.fromkeys(("format", "pattern", "contentEncoding", "contentMediaType"), _text),
    **dict.fromkeys(("deprecated", "readOnly", "writeOnly", "uniqueItems"), _flag),
    **dict.fromkeys(("enum", "examples"), _list),
    **dict.fromkeys(("maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum"), _number),
    **dict.fromkeys(("maxLength", "minLength", "maxItems", "minItems", "maxContains", "minContains"), _count),
    **dict.fromkeys(("maxProperties", "minProperties"), _count),
    **dict.fromkeys(_NAMED, _object),
    **dict.fromkeys(
        _LISTS, _rule(lambda value: isinstance(value, list) and bool(value), "a list of schemas")
    ),
    "$vocabulary": _object,
    "multipleOf": _rule(lambda value: _is_number(value) and value > 0, "a number above 0"),  # type: ignore[operator]
    "required": _rule(_are_names, "a list of names, none of them twice"),
    "dependentRequired": _rule(_maps_to_names, "an object of lists of names"),
    "dependencies": _rule(_are_dependencies, "an object of schemas and lists of names"),
    "type": _rule(_are_types, f"one of {', '.join(sorted(TYPES))}, or a list of them, none twice"),
}
"""keyword -> what a value of it must be, "" when it is right. Keywords that nobody defined hold anything."""
