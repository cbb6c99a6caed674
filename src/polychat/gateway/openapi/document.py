"""The OpenAPI document, from the structs that check requests and those that describe answers.

Source: https://spec.openapis.org/oas/v3.1.1
"""

import functools
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from polychat import __version__
from polychat.gateway.openapi import admin, extras, foreign, published
from polychat.gateway.openapi.operation import SSE, STATUSES, Api, Operation, Stream, Struct
from polychat.schema.answers.errors import ErrorEnvelope

Json = dict[str, Any]  # the document being made
References = Mapping[Struct, Json]  # how the document names the schema of a struct

OPERATIONS: tuple[Operation, ...] = (
    *published.TEXT,
    *published.RESPONSES,
    *published.MEDIA,
    *extras.TOKENS,
    *extras.ADAPTERS,
    *foreign.ANTHROPIC,
    *foreign.OLLAMA,
    *published.SERVICE,
    *admin.ADMIN,
)
_REFERENCES = "#/components/schemas/"
_SECURITY: list[Json] = [{"bearer": []}, {"x-api-key": []}, {}]
_ABOUT = (
    "One API in front of every model and engine. Every answer carries `x-request-id`. A key is needed if the "
    "service was started with keys. Fields that are not named here are passed on to the engine."
)
_NAME = re.compile(r"polychat\.(?:compat\.(?P<api>\w+)|schema)\.[\w.]*?(?P<name>\w+)$")
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "x-api-key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
}
_FILE: Json = {"type": "string", "contentMediaType": "application/octet-stream"}


@functools.cache
def document() -> bytes:
    """The document's JSON."""
    return msgspec.json.encode(describe())


def describe() -> Json:
    """The document."""
    structs = list(dict.fromkeys(_structs(OPERATIONS)))
    references, schemas = msgspec.json.schema_components(structs, ref_template=_REFERENCES + "{name}")
    named = dict(zip(structs, references, strict=True))
    made: Json = {
        "openapi": "3.1.1",
        "info": {
            "title": "polychat",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": _SECURITY,
        "tags": [{"name": api.value} for api in Api],
        "paths": _paths(named),
        "components": {"schemas": schemas, "securitySchemes": _SCHEMES},
    }
    _add_what_structs_cannot_say(schemas, named)
    return _with_short_names(made)


def _add_what_structs_cannot_say(schemas: Json, references: References) -> None:
    for operation in OPERATIONS:
        if operation.request is None:
            continue
        schema = schemas[references[operation.request]["$ref"].removeprefix(_REFERENCES)]
        for name in operation.refuses:
            schema["properties"].pop(name, None)
        if operation.files:
            schema["properties"] = _of_form(schema["properties"]) | dict.fromkeys(operation.files, _FILE)


def _of_form(properties: Json) -> Json:
    """A form has no null: what is not wanted is left out."""
    return {
        name: {"anyOf": [each for each in schema["anyOf"] if each != {"type": "null"}]}
        if "anyOf" in schema
        else schema
        for name, schema in properties.items()
    }


def short_name(name: str) -> str:
    """What a schema is called: a struct whose name is not the only one gets that of its API in front."""
    found = _NAME.match(name)
    return name if found is None else f"{(found['api'] or '').capitalize()}{found['name']}"


def _with_short_names(made: Json) -> Json:
    """msgspec tells structs of the same name apart by their modules, which mean nothing to a reader."""
    schemas = made["components"]["schemas"]
    text = msgspec.json.encode(made).decode()
    for name in schemas:
        text = text.replace(f'"{_REFERENCES}{name}"', f'"{_REFERENCES}{short_name(name)}"')
    renamed: Json = msgspec.json.decode(text)
    renamed["components"]["schemas"] = {
        short_name(name): schema for name, schema in renamed["components"]["schemas"].items()
    }
    assert len(renamed["components"]["schemas"]) == len(schemas), "two schemas of one name"
    return renamed


def _structs(operations: Iterable[Operation]) -> Iterable[Struct]:
    for operation in operations:
        piece = operation.stream.piece if operation.stream else None
        yield from filter(None, (operation.request, operation.answer, piece, operation.api.errors))


def _paths(references: References) -> Json:
    paths: dict[str, Json] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, references)
    return paths


def _operation(operation: Operation, references: References) -> Json:
    described: Json = {
        "operationId": _id(operation),
        "summary": operation.summary,
        "description": operation.note,
        "tags": [operation.api.value],
        "parameters": _parameters(operation),
        "requestBody": _request(operation, references),
        "responses": _responses(operation, references),
    }
    return {key: value for key, value in described.items() if value} | (
        {"security": []} if operation.is_open else {}
    )


def _id(operation: Operation) -> str:
    return "_".join([operation.method.lower(), *re.findall(r"\w+", operation.path)])


def _parameters(operation: Operation) -> list[Json]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"\{(\w+)\}", operation.path)
    ]
    in_query = [{"name": name, "in": "query", "schema": schema} for name, schema in operation.query.items()]
    return [*in_path, *in_query]


def _request(operation: Operation, references: References) -> Json:
    if operation.request is None:
        return {}
    content: Json = {"schema": references[operation.request]}
    if operation.example:
        content["example"] = dict(operation.example)
    media_type = "multipart/form-data" if operation.files else "application/json"
    return {"required": True, "content": {media_type: content}}


def _responses(operation: Operation, references: References) -> Json:
    succeeds = operation.answer is not None or operation.other_types
    success = {"200": _success(operation, references)} if succeeds else {}
    schema = references[operation.api.errors]
    refusals = {
        str(status): {
            "description": STATUSES[status],
            "content": {"application/json": {"schema": schema}},
        }
        for status in operation.statuses
    }
    return success | refusals


def _success(operation: Operation, references: References) -> Json:
    content: Json = {}
    if operation.answer is not None:
        content["application/json"] = {"schema": references[operation.answer]}
    for media_type in operation.other_types:
        content[media_type] = {}
    if operation.stream is not None:
        content[operation.stream.media_type] = _stream(operation.stream, references)
    description = f"The answer. {operation.stream.what}" if operation.stream else "The answer."
    return {"description": description, "content": content}


def _stream(stream: Stream, references: References) -> Json:
    """The schema is that of one event or line: OpenAPI 3.1 has no words for a whole stream."""
    if stream.media_type != SSE:
        return {"schema": references[stream.piece]} if stream.piece else {}
    data: Json = {"type": "string", "contentMediaType": "application/json"}
    if stream.piece is not None:
        pieces = {"anyOf": [references[stream.piece], references[ErrorEnvelope]]}
        data = {"anyOf": [{"const": "[DONE]"}, data | {"contentSchema": pieces}]}
    event = {"event": {"type": "string"}, "data": data}
    return {"schema": {"type": "object", "required": ["data"], "properties": event}}
