"""The smallest JSON that fits a schema, with what was given wherever it fits. Pure.

Knows the keywords that schemas for tools and structured outputs use. `pattern` is not followed: a text for it
must be given.
"""

import json
from collections.abc import Mapping
from typing import Any

import jsonschema
from jsonschema.protocols import Validator
from referencing.exceptions import Unresolvable

from polychat.errors import RequestError

Schema = Any  # decoded JSON: an object, true or false
_MAX_DEPTH = 32
_FORMATS = {
    "date": "2000-01-01",
    "time": "00:00:00Z",
    "date-time": "2000-01-01T00:00:00Z",
    "duration": "P1D",
    "email": "a@example.com",
    "uri": "https://example.com",
    "hostname": "example.com",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def instance(schema: Schema, given: object = None, *, param: str) -> Any:
    """`given` if it fits; else the smallest instance that takes from it what fits.

    Raises:
        RequestError: `schema` is none, or nothing can be found for it; `param` names it.
    """
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as exc:
        raise RequestError(f"The schema is not valid: {exc.message}.", param=param) from exc
    root = jsonschema.Draft202012Validator(schema)
    try:
        made = given if _fits(root, given) else _Builder(root).build(schema, given, 0)
    except (RecursionError, Unresolvable) as exc:
        raise RequestError("The schema has no end, or refers to what is not there.", param=param) from exc
    except _NothingFits as exc:
        raise RequestError("The echo engine finds nothing that fits the schema.", param=param) from exc
    return made


def dumps(value: object) -> str:
    """As models write JSON: a space after each comma and colon, which also makes it several tokens."""
    return json.dumps(value, ensure_ascii=False)


class _NothingFits(Exception):
    """This branch of a schema cannot be built."""


class _Builder:
    def __init__(self, root: Validator) -> None:
        self._root = root

    def build(self, schema: Schema, given: object, depth: int) -> Any:
        if depth > _MAX_DEPTH or schema is False:
            raise _NothingFits
        if schema is True or not schema:
            return {} if given is None else given
        schema = self._resolved(schema)
        if given is not None and _fits(self._root.evolve(schema=schema), given):
            return given
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        if branches := schema.get("anyOf") or schema.get("oneOf"):
            return self._first(schema, branches, given, depth)
        return self._typed(_type_of(schema), schema, given, depth)

    def _resolved(self, schema: Schema) -> Schema:
        """Follow `$ref`, and put the parts of `allOf` together."""
        if "$ref" in schema:
            target = self._at(schema["$ref"])
            rest = {key: value for key, value in schema.items() if key != "$ref"}
            return self._resolved(_merged(target, rest))
        for part in schema.get("allOf", ()):
            rest = {key: value for key, value in schema.items() if key != "allOf"}
            schema = _merged(rest, self._resolved(part))
        return schema

    def _at(self, reference: str) -> Schema:
        found: Any = self._root.schema
        for step in reference.removeprefix("#").split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, Mapping) or key not in found:
                raise _NothingFits
            found = found[key]
        return found

    def _first(self, schema: Schema, branches: list[Schema], given: object, depth: int) -> Any:
        """The first branch that can be built, those without references first: they are sure to end."""
        common = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
        for branch in sorted(branches, key=lambda each: "$ref" in json.dumps(each)):
            try:
                return self.build(_merged(common, self._resolved(branch)), given, depth + 1)
            except _NothingFits:
                continue
        raise _NothingFits

    def _typed(self, kind: str, schema: Schema, given: object, depth: int) -> Any:
        match kind:
            case "object":
                return self._object(schema, given, depth)
            case "array":
                return self._array(schema, depth)
            case "string":
                return _string(schema)
            case "integer" | "number":
                return _number(schema, is_integer=kind == "integer")
            case "boolean":
                return False
            case _:
                return None

    def _object(self, schema: Schema, given: object, depth: int) -> dict[str, Any]:
        said = given if isinstance(given, Mapping) else {}
        known = schema.get("properties", {})
        required = schema.get("required", ())
        wanted = [*(name for name in known if name in required or name in said), *required]
        made: dict[str, Any] = {}
        for name in dict.fromkeys(wanted):
            made[name] = self.build(known.get(name, True), said.get(name), depth + 1)
        return made

    def _array(self, schema: Schema, depth: int) -> list[Any]:
        first = schema.get("prefixItems", [])
        more = max(0, schema.get("minItems", 0) - len(first))
        return [self.build(each, None, depth + 1) for each in [*first, *[schema.get("items", True)] * more]]


def _type_of(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0] if kind else None
    if kind is None:
        return "array" if "items" in schema or "prefixItems" in schema else "object"
    return str(kind)


def _merged(one: Schema, other: Schema) -> Schema:
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        return other if one is True else one
    both = {**one, **other}
    if "properties" in one and "properties" in other:
        both["properties"] = {**one["properties"], **other["properties"]}
    if "required" in one and "required" in other:
        both["required"] = list(dict.fromkeys([*one["required"], *other["required"]]))
    return both


def _string(schema: Schema) -> str:
    text = _FORMATS.get(schema.get("format", ""), "")
    return text or "a" * schema.get("minLength", 0)


def _number(schema: Schema, *, is_integer: bool) -> int | float:
    step = schema.get("multipleOf", 1 if is_integer else 0.5)
    least, most = schema.get("minimum"), schema.get("maximum")
    if (above := schema.get("exclusiveMinimum")) is not None:
        least = above + step
    if (below := schema.get("exclusiveMaximum")) is not None:
        most = below - step
    value = 0 if least is None else max(least, 0 if most is None or most >= 0 else least)
    value = value if most is None else min(value, most)
    multiple = -(-value // step) * step  # rounded up
    return int(multiple) if is_integer or multiple == int(multiple) else multiple


def _fits(validator: Validator, value: Any) -> bool:
    return value is not None and validator.is_valid(value)
