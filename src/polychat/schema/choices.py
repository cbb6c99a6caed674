"""The published enumeration at a place in a request, for the sentence that refuses another value."""

import re
from collections.abc import Iterator

from msgspec import inspect


def choices_at(kind: type, path: str) -> str:
    """ "one of 'a', 'b' and 'c'" for `path` ("messages[0].role") in requests of `kind`, "" if it is free."""
    kinds = [inspect.type_info(kind)]
    for step in re.findall(r"[^.\[\]]+|\[\d*\]", path):
        kinds = [inner for outer in kinds for one in _flat(outer) for inner in _below(one, step)]
    flat = [one for kind_ in kinds for one in _flat(kind_)]
    values = [value for one in flat if isinstance(one, inspect.LiteralType) for value in one.values]
    words = [f"'{value}'" for value in values]
    if len(words) < 2:
        return words[0] if words else ""
    return f"one of {', '.join(words[:-1])} and {words[-1]}"


def _flat(kind: inspect.Type) -> Iterator[inspect.Type]:
    if isinstance(kind, inspect.UnionType):
        yield from kind.types
    elif isinstance(kind, inspect.Metadata):
        yield from _flat(kind.type)
    else:
        yield kind


def _below(kind: inspect.Type, step: str) -> Iterator[inspect.Type]:
    if isinstance(kind, inspect.ListType) and step.startswith("["):
        yield kind.item_type
    elif isinstance(kind, inspect.StructType):
        yield from (field.type for field in kind.fields if field.encode_name == step)
