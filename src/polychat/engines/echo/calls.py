"""Which tools the echo engine calls, and with what.

Told to call (`tool_choice` required or a name): that tool or the first, with arguments made for its schema
from the JSON object in the user's text, if it holds one. Left to choose: those of the lines
`call NAME {json}`, if the whole text is such lines.
"""

import json
import re
from dataclasses import dataclass

from polychat.engines.echo.instances import dumps, instance
from polychat.engines.echo.messages import Json
from polychat.errors import RequestError

_LINE = re.compile(r"call (?P<name>\S+) (?P<arguments>\{.*\})\s*")


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: str  # JSON


def calls_of(request: Json, asked: str, *, is_answering: bool) -> tuple[Call, ...]:
    """The calls that answer `asked`; none when it is answered with text. `is_answering`: to results of tools.

    Raises:
        RequestError: `tool_choice` names an absent tool, or a tool's schema is none.
    """
    tools = _tools(request)
    choice = request.get("tool_choice") or "auto"
    if not tools or choice == "none":
        return ()
    told = _told(tools, asked)
    if isinstance(choice, dict):
        calls = [_forced(tools, _chosen(choice, tools), asked)]
    elif choice == "required":
        calls = told or [_forced(tools, next(iter(tools)), asked)]
    else:
        calls = [] if is_answering else told
    return tuple(calls[:1] if request.get("parallel_tool_calls") is False else calls)


def _tools(request: Json) -> dict[str, Json]:
    """Each function's description by its name."""
    given = request.get("tools")
    tools = given if isinstance(given, list) else []
    return {tool["function"]["name"]: tool["function"] for tool in tools if tool.get("function")}


def _chosen(choice: Json, tools: dict[str, Json]) -> str:
    function = choice.get("function")
    name = str(function.get("name")) if isinstance(function, dict) else ""
    if name not in tools:
        raise RequestError(f"'tool_choice' names {name!r}, which is not in 'tools'.", param="tool_choice")
    return name


def _told(tools: dict[str, Json], asked: str) -> list[Call]:
    """The calls that the text consists of."""
    calls = []
    for line in asked.strip().splitlines():
        found = _LINE.fullmatch(line.strip())
        if found is None or found["name"] not in tools or json_object(found["arguments"]) is None:
            return []
        calls.append(Call(found["name"], found["arguments"]))
    return calls


def _forced(tools: dict[str, Json], name: str, asked: str) -> Call:
    schema = tools[name].get("parameters") or {"type": "object"}
    return Call(name, dumps(instance(schema, _object_in(asked), param="tools")))


def json_object(text: str) -> dict[str, object] | None:
    """The object that the text is, if it is one."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _object_in(text: str) -> dict[str, object] | None:
    """The first object somewhere in the text."""
    start = text.find("{")
    if start < 0:
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(text[start:])
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
