"""Tools and the choice among them, for a chat request.

A custom tool takes free text. To the model it is a function with one string, `input`.
"""

from collections.abc import Sequence

import msgspec

from polychat.compat.responses.items import Json
from polychat.compat.responses.requests import CountRequest, Tool, ToolChoice

_FREE_TEXT = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}


def tools_of(request: CountRequest) -> Json:
    """The chat request's `tools` and `tool_choice`; of a set of allowed tools only those are told."""
    tools, choice = request.tools or [], request.tool_choice
    if not tools:
        return {}
    asked: Json = {}
    if isinstance(choice, ToolChoice):
        tools = [tool for tool in tools if choice.type != "allowed_tools" or tool.name in choice.names]
        asked["tool_choice"] = _choice(choice)
    elif choice is not None:
        asked["tool_choice"] = choice
    if request.parallel_tool_calls is not None:
        asked["parallel_tool_calls"] = request.parallel_tool_calls
    return {"tools": [_tool(tool) for tool in tools], **asked}


def custom_names(tools: Sequence[Tool] | None) -> frozenset[str]:
    """The names of the custom tools."""
    return frozenset(tool.name for tool in tools or () if tool.type == "custom" and tool.name)


def arguments_of_custom(text: str) -> str:
    """A custom tool's input as the arguments of the function it is to the model."""
    return msgspec.json.encode({"input": text}).decode()


def input_of_custom(arguments: str) -> str:
    """The other way; arguments that the model got wrong are given as they are."""
    try:
        found = msgspec.json.decode(arguments)
    except msgspec.DecodeError:
        return arguments
    text = found.get("input") if isinstance(found, dict) else None
    return text if isinstance(text, str) else arguments


def _choice(choice: ToolChoice) -> str | Json:
    if choice.type == "allowed_tools":
        return choice.mode
    return {"type": "function", "function": {"name": choice.name}}


def _tool(tool: Tool) -> Json:
    function: Json = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.type == "custom":
        function["parameters"] = _FREE_TEXT
    elif tool.parameters is not None:
        function["parameters"] = tool.parameters
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}
