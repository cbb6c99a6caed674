"""Whether a client's JSON schema is one: by JSON Schema 2020-12, and by OpenAI's rules when it is strict.

A library takes milliseconds for each schema, and an agent sends forty with each request; the tests hold this
to what such a library says. What was found of a schema is remembered by its bytes.
Source of the strict rules: https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
"""

import functools
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from polychat.schema.json_schema_keywords import KEYWORDS, schemas_within

MAX_COUNT = 1_000_000  # of characters, items or properties that a schema may speak of
MAX_PROPERTIES = 5000
MAX_ENUM_VALUES = 1000
MAX_STRICT_LEVELS = 10
_MAX_REMEMBERED_BYTES = 64 * 1024
_COUNTS = ("maxLength", "minLength", "maxItems", "minItems", "maxProperties", "minProperties", "minContains")
_NOT_STRICT = (
    "allOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "patternProperties",
)
_NOT_AT_TOP = ("anyOf", "oneOf", "allOf", "enum", "not")

Path = tuple[str, ...]
Schema = Mapping[str, Any]  # Any: decoded JSON


@dataclass(frozen=True, slots=True)
class Rules:
    """What a schema must be, beyond being one."""

    is_strict: bool = False  # OpenAI's structured outputs
    is_of_object: bool = False  # its root says `type: object`
    may_recurse: bool = True


def problem_of(schema: bytes, rules: Rules) -> str:
    """What is wrong with the schema and where, "" if nothing. `schema` is valid JSON."""
    return (_remembered if len(schema) <= _MAX_REMEMBERED_BYTES else _problem_of)(schema, rules)


def _problem_of(schema: bytes, rules: Rules) -> str:
    try:
        _check(msgspec.json.decode(schema), rules)
    except _Problem as problem:
        return str(problem)
    return ""


_remembered = functools.lru_cache(maxsize=512)(_problem_of)


class _Problem(Exception):
    def __init__(self, what: str, path: Path | None = None) -> None:
        super().__init__(what if path is None else f"In context={path}, {what}")


def _check(root: object, rules: Rules) -> None:
    if not isinstance(root, dict):
        raise _Problem(f"{_shown(root)} is not an object")
    if rules.is_strict or rules.is_of_object:
        _check_root(root)
    found = list(_walk(root, ()))
    _check_sizes([schema for _, schema in found])
    _check_references(root, found, rules.may_recurse)
    if rules.is_strict:
        for path, schema in found:
            _check_strict(schema, path)


def _walk(schema: object, path: Path) -> Iterator[tuple[Path, Schema]]:
    """The schema and all within it, each checked keyword by keyword. True and False are schemas too."""
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        raise _Problem(f"{_shown(schema)} is not of type 'object', 'boolean'", path)
    for keyword, value in schema.items():
        if (is_right := KEYWORDS.get(keyword)) and (wrong := is_right(value)):
            raise _Problem(f"{_shown(value)} is not right for '{keyword}': it must be {wrong}", path)
    _check_values(schema, path)
    yield path, schema
    for below, inner in schemas_within(schema):
        yield from _walk(inner, path + below)


def _check_values(schema: Schema, path: Path) -> None:
    """What the specification allows, and no engine can do."""
    for keyword in _COUNTS:
        if schema.get(keyword, 0) > MAX_COUNT:
            raise _Problem(f"'{keyword}' is {schema[keyword]}, more than {MAX_COUNT}", path)
    if "pattern" in schema and (wrong := _wrong_in_pattern(schema["pattern"])):
        raise _Problem(f"'pattern' {_shown(schema['pattern'])} is no regular expression: {wrong}", path)


def _wrong_in_pattern(pattern: str) -> str:
    """JSON Schema's patterns are JavaScript's; what Python writes otherwise is put into its words first."""
    words = re.sub(r"\\[pP]\{[^}]*\}|\\u\{[0-9a-fA-F]+\}|\\c[A-Za-z]", ".", pattern)
    words = re.sub(r"\(\?<(?![=!])", "(?P<", words).replace("[^]", ".").replace(r"\k<", r"(?P=")
    words = re.sub(r"\(\?P=(\w+)>", r"(?P=\1)", words)
    try:
        with warnings.catch_warnings(action="ignore"):
            re.compile(words)
    except (re.error, OverflowError, RecursionError) as exc:
        return str(exc)
    return ""


def _check_sizes(schemas: list[Schema]) -> None:
    num_properties = sum(len(schema.get("properties", ())) for schema in schemas)
    if num_properties > MAX_PROPERTIES:
        raise _Problem(f"Expected at most {MAX_PROPERTIES} object properties in total, got {num_properties}")
    num_values = sum(len(schema.get("enum", ())) for schema in schemas)
    if num_values > MAX_ENUM_VALUES:
        raise _Problem(f"Expected at most {MAX_ENUM_VALUES} enum values in total, got {num_values}")


def _check_references(root: Schema, found: list[tuple[Path, Schema]], may_recurse: bool) -> None:
    links: dict[Path, list[Path]] = {}
    known = {path for path, _ in found}
    for path, schema in found:
        if "$dynamicRef" in schema or "$recursiveRef" in schema:
            raise _Problem("only '$ref' is supported, no dynamic references", path)
        if "$ref" in schema:
            links[path] = [_target(schema["$ref"], root, known, path)]
    if links and not may_recurse:
        _check_recursion(known, links)


def _target(reference: str, root: Schema, known: set[Path], path: Path) -> Path:
    if not reference.startswith("#"):
        raise _Problem(f"'$ref' {_shown(reference)} is remote; only references within the schema work", path)
    words = [word.replace("~1", "/").replace("~0", "~") for word in reference[1:].split("/")]
    target = tuple(words[1:])
    if words[0] or (target not in known and not isinstance(_at(root, target), bool)):
        raise _Problem(f"'$ref' {_shown(reference)} leads to no schema", path)
    return target


def _at(root: object, path: Path) -> object:
    for word in path:
        if isinstance(root, list) and word.isdigit() and int(word[:9]) < len(root):
            root = root[int(word[:9])]
        elif isinstance(root, dict):
            root = root.get(word)
        else:
            return None
    return root


def _check_recursion(known: set[Path], links: dict[Path, list[Path]]) -> None:
    """A schema leads to those within it and to those it refers to; coming back to one is recursion."""
    for path in known:
        if path:
            links.setdefault(_parent(path, known), []).append(path)
    open_: set[Path] = set()
    done: set[Path] = set()
    stack: list[tuple[Path, bool]] = [((), False)]
    while stack:
        path, is_left = stack.pop()
        if is_left:
            open_.discard(path)
            done.add(path)
        elif path in open_:
            raise _Problem("recursive schemas are not supported", path)
        elif path not in done:
            open_.add(path)
            stack.append((path, True))
            stack.extend((target, False) for target in links.get(path, ()))


def _parent(path: Path, known: set[Path]) -> Path:
    """The nearest schema around one."""
    path = path[:-1]
    while path not in known:
        path = path[:-1]
    return path


def _check_root(root: Schema) -> None:
    if any(keyword in root for keyword in _NOT_AT_TOP):
        names = "/".join(f"'{keyword}'" for keyword in _NOT_AT_TOP)
        raise _Problem(f"schema must have type 'object' and not have {names} at the top level")
    if root.get("type") != "object":
        raise _Problem(
            f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{root.get('type')}\"'"
        )


def _check_strict(schema: Schema, path: Path) -> None:
    if len([word for word in path if word in ("properties", "items")]) > MAX_STRICT_LEVELS:
        raise _Problem(f"at most {MAX_STRICT_LEVELS} levels of nesting are allowed", path)
    for keyword in _NOT_STRICT:
        if keyword in schema:
            raise _Problem(f"'{keyword}' is not permitted", path)
    if not any(keyword in schema for keyword in ("type", "anyOf", "$ref", "enum", "const")):
        raise _Problem("schema must have a 'type' key", path)
    if schema.get("type") == "object" or "object" in schema.get("type", ()) or "properties" in schema:
        _check_strict_object(schema, path)
    if schema.get("type") == "array" and "items" not in schema:
        raise _Problem("array schema missing items", path)


def _check_strict_object(schema: Schema, path: Path) -> None:
    if schema.get("additionalProperties") is not False:
        raise _Problem("'additionalProperties' is required to be supplied and to be false", path)
    properties, required = schema.get("properties", {}), schema.get("required", [])
    rule = "'required' is required to be supplied and to be an array including every key in properties"
    for name in properties:
        if name not in required:
            raise _Problem(f"{rule}. Missing '{name}'", path)
    for name in required:
        if name not in properties:
            raise _Problem(f"{rule}. Extra required key '{name}' supplied", path)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + "…"
