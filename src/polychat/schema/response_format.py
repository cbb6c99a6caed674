"""The form that an answer must have."""

from typing import Literal

import msgspec

from polychat.errors import RequestError
from polychat.schema.generation import Identifier
from polychat.schema.json_schema import Rules, problem_of


class JsonSchema(msgspec.Struct):
    name: Identifier
    schema: msgspec.Raw
    description: str | None = None
    strict: bool | None = None


class ResponseFormat(msgspec.Struct):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None

    def __post_init__(self) -> None:
        if self.type == "json_schema" and self.json_schema is None:
            raise ValueError("[json_schema] is required with the type 'json_schema'")


def require_right_schema(asked: ResponseFormat) -> None:
    """The schema is one that answers can be held to.

    Raises:
        RequestError: it is not; says what is wrong and where.
    """
    if asked.type != "json_schema" or asked.json_schema is None:
        return
    schema = asked.json_schema
    rules = Rules(is_strict=bool(schema.strict), may_recurse=False)
    problem = problem_of(bytes(schema.schema), rules)
    if problem:
        raise RequestError(
            f"Invalid schema for response_format '{schema.name}': {problem}.",
            param="response_format",
        )
