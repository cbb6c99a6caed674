"""The tools that a chat may call, and the choice among them."""

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from polychat.errors import RequestError
from polychat.schema.generation import Identifier, NonEmpty
from polychat.schema.json_schema import Rules, problem_of

_STRICT = Rules(is_strict=True, may_recurse=False, is_of_object=True)
_LOOSE = Rules(is_of_object=True)
_NO_PARAMETERS = (b"{}", b"null")


class FunctionTool(msgspec.Struct):
    name: Identifier
    description: str | None = None
    parameters: msgspec.Raw = msgspec.field(default_factory=lambda: msgspec.Raw(b"null"))
    strict: bool | None = None


class Tool(msgspec.Struct):
    type: NonEmpty
    function: FunctionTool | None = None

    def __post_init__(self) -> None:
        if self.type != "function":
            raise ValueError(f"[type] must be 'function': {self.type[:40]!r} tools are not supported here")
        if self.function is None:
            raise ValueError("[function] is required in a tool of type 'function'")


class NamedFunction(msgspec.Struct):
    name: NonEmpty


class AllowedTool(msgspec.Struct):
    type: Literal["function"]
    function: NamedFunction


class AllowedTools(msgspec.Struct):
    mode: Literal["auto", "required"]
    tools: Annotated[list[AllowedTool], Meta(min_length=1)]


class NamedTool(msgspec.Struct):
    type: NonEmpty
    function: NamedFunction | None = None
    allowed_tools: AllowedTools | None = None

    def __post_init__(self) -> None:
        if self.type not in ("function", "allowed_tools"):
            raise ValueError(f"[type] must be 'function' or 'allowed_tools', not {self.type[:40]!r}")
        if self.type == "function" and self.function is None:
            raise ValueError("[function] is required in a tool choice of type 'function'")
        if self.type == "allowed_tools" and self.allowed_tools is None:
            raise ValueError("[allowed_tools] is required in a tool choice of type 'allowed_tools'")

    @property
    def names(self) -> list[tuple[str, str]]:
        """Each function that it names, with its place within the choice."""
        if self.function is not None:
            return [("function.name", self.function.name)]
        allowed = self.allowed_tools.tools if self.allowed_tools else []
        return [(f"allowed_tools.tools[{i}].function.name", t.function.name) for i, t in enumerate(allowed)]


def require_right_tools(tools: Sequence[Tool]) -> None:
    """The names differ, and the parameters are schemas of objects.

    Raises:
        RequestError: not so.
    """
    names: set[str] = set()
    for index, tool in enumerate(tools):
        assert tool.function is not None, "a Tool has been checked"
        if tool.function.name in names:
            raise RequestError(
                f"'tools' has the function {tool.function.name!r} twice.",
                param=f"tools[{index}].function.name",
            )
        names.add(tool.function.name)
        _require_schema(tool.function, f"tools[{index}].function.parameters")


def require_known_choice(choice: str | NamedTool | None, tools: Sequence[Tool]) -> None:
    """What the choice names is among the tools.

    Raises:
        RequestError: it is not, or there are none.
    """
    if choice is None:
        return
    if not tools:
        raise RequestError("'tool_choice' is only allowed when 'tools' are specified.", param="tool_choice")
    if isinstance(choice, NamedTool):
        known = {tool.function.name for tool in tools if tool.function}
        for _, name in choice.names:
            if name not in known:
                raise RequestError(
                    f"'tool_choice' names the function {name[:64]!r}, which is not among 'tools'.",
                    param="tool_choice",
                )


def _require_schema(function: FunctionTool, param: str) -> None:
    schema = bytes(function.parameters)
    if schema in _NO_PARAMETERS:
        return
    problem = problem_of(schema, _STRICT if function.strict else _LOOSE)
    if problem:
        raise RequestError(f"Invalid schema for function '{function.name}': {problem}.", param=param)
