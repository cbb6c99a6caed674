"""A tool call that the client demands, held to by a JSON schema of our own.

An engine's own way depends on the model's template or on a parser, and with some of them the model may still
just talk. So the model sees the tools, must write {"name": …, "arguments": …}, and that text becomes the
call.
"""

import re
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from polychat.schema.chat import ChatRequest, NamedTool
from polychat.schema.tools import FunctionTool, Tool

_NO_PARAMETERS = {"type": "object", "properties": {}, "additionalProperties": False}
_HEAD = re.compile(
    r'\s*\{\s*"name"\s*:\s*(?P<name>"(?:[^"\\]|\\.)*")\s*,\s*"arguments"\s*:\s*(?=\S)', re.DOTALL
)


def forced_tools(request: ChatRequest) -> Sequence[FunctionTool]:
    """The functions of which one must be called; none when the model may also talk."""
    choice = request.tool_choice
    functions = [tool.function for tool in request.tools or () if tool.function]
    if choice == "required":
        return functions
    if not isinstance(choice, NamedTool) or (choice.allowed_tools and choice.allowed_tools.mode == "auto"):
        return []
    names = {name for _, name in choice.names}
    return [function for function in functions if function.name in names]


def allowed(request: ChatRequest) -> Sequence[Tool] | None:
    """The tools that `tool_choice` leaves to a model that may also talk; None: it leaves all."""
    choice = request.tool_choice
    if choice == "none":  # a model that knows them may write a call as text
        return []
    if not isinstance(choice, NamedTool) or choice.allowed_tools is None:
        return None
    names = {name for _, name in choice.names}
    return [tool for tool in request.tools or () if tool.function and tool.function.name in names]


Compilable = Callable[[Any, str], Any]  # Any: decoded JSON
"""A schema, and the request's field that it is from, as what the engine's grammars can be held to."""


def format_of(functions: Sequence[FunctionTool], compilable: Compilable) -> dict[str, object]:
    """The `response_format` that leaves nothing but a call of one of the functions.

    Raises:
        RequestError: parameters that `compilable` refuses.
    """
    schema = {
        "anyOf": [_call(function.name, f"tool{at}") for at, function in enumerate(functions)],
        "$defs": {
            f"tool{at}": _parameters(function, f"#/$defs/tool{at}", compilable)
            for at, function in enumerate(functions)
        },
    }
    return {"type": "json_schema", "json_schema": {"name": "call", "schema": schema}}


def _call(name: str, definition: str) -> dict[str, object]:
    properties = {"name": {"const": name}, "arguments": {"$ref": f"#/$defs/{definition}"}}
    return {
        "type": "object",
        "properties": properties,
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def _parameters(function: FunctionTool, root: str, compilable: Compilable) -> object:
    parameters = msgspec.json.decode(bytes(function.parameters))
    if not parameters:
        return _NO_PARAMETERS
    return _moved(compilable(parameters, "tools"), root)


def _moved(schema: Any, root: str) -> Any:  # Any: decoded JSON
    """The schema with its references right although its root is now at `root`."""
    if isinstance(schema, list):
        return [_moved(item, root) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: root + value[1:]
        if key == "$ref" and isinstance(value, str) and value.startswith("#")
        else _moved(value, root)
        for key, value in schema.items()
    }


class CallReader:
    """Turns the text of one choice, as it comes, into what `delta.tool_calls` has of it."""

    def __init__(self) -> None:
        self._head = ""
        self._depth = 0
        self._in_string = False
        self._is_escaped = False
        self.has_begun = False
        self.is_whole = False

    def feed(self, text: str) -> list[dict[str, object]]:
        """The deltas that `text` adds, at most one."""
        if self.has_begun:
            arguments = self._arguments(text)
            return [{"index": 0, "function": {"arguments": arguments}}] if arguments else []
        self._head += text
        match = _HEAD.match(self._head)
        if match is None:
            return []
        self.has_begun = True
        name = msgspec.json.decode(match["name"])
        function = {"name": name, "arguments": self._arguments(self._head[match.end() :])}
        return [{"index": 0, "id": f"call_{uuid.uuid4().hex}", "type": "function", "function": function}]

    def _arguments(self, text: str) -> str:
        """The part of `text` that belongs to the arguments, which are one object."""
        if self.is_whole:
            return ""
        for at, character in enumerate(text):
            self._step(character)
            if self.is_whole:
                return text[: at + 1]
        return text

    def _step(self, character: str) -> None:
        if self._in_string:
            if self._is_escaped:
                self._is_escaped = False
            elif character == "\\":
                self._is_escaped = True
            elif character == '"':
                self._in_string = False
        elif character == '"':
            self._in_string = True
        elif character == "{":
            self._depth += 1
        elif character == "}":
            self._depth -= 1
            self.is_whole = self._depth == 0
