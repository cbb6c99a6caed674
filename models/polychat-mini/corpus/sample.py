"""What one training or evaluation sample is, and the exact text it becomes.

`segments` writes the same characters as `chat_template.jinja`; `export.py` and the tests compare the two.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

JsonValue = str | int | float | bool | None | Sequence["JsonValue"] | Mapping[str, "JsonValue"]
JsonObject = dict[str, JsonValue]

DESCRIPTION_LENGTH = 160  # characters of a tool's description that reach the model


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: JsonObject


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an answer that a grammar holds. `allowed` is what the grammar lets through here.

    None: anything. (): anything but the end. Else one of these texts, of which `text` is one or the start
    of one; the model then learns to prefer `text` to the others, and not to write it unforced.
    """

    text: str
    allowed: tuple[str, ...] | None = None
    is_learned: bool = True


@dataclass(frozen=True, slots=True)
class Turn:
    role: str
    content: str
    calls: tuple[Call, ...] = ()
    pieces: tuple[Piece, ...] = ()  # of the whole answer, where a grammar holds it; only in a last turn


@dataclass(frozen=True, slots=True)
class Param:
    name: str
    type: str = "string"
    required: bool = True
    choices: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    description: str
    params: tuple[Param, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """A conversation, or a raw completion when `turns` is empty. The last turn is the one evaluated."""

    skill: str
    turns: tuple[Turn, ...] = ()
    tools: tuple[Tool, ...] = ()
    prompt: str = ""
    completion: str = ""
    answer_schema: JsonObject | None = None  # that the request asks for; the prompt does not show it


def user(text: str) -> Turn:
    return Turn("user", text)


def assistant(text: str) -> Turn:
    return Turn("assistant", text)


def segments(sample: Sample) -> list[tuple[str, bool]]:
    """The text of `sample` in pieces; True marks what the model must write itself."""
    if not sample.turns:
        return [(sample.prompt, False), (sample.completion + "<|im_end|>", True)]
    turns = list(sample.turns)
    system = turns.pop(0).content if turns[0].role == "system" else ""
    given = _header(system, sample.tools)
    pieces: list[tuple[str, bool]] = []
    for turn in turns:
        if turn.role == "assistant":
            pieces += [(given + "<|im_start|>assistant\n", False), (_answer(turn) + "<|im_end|>", True)]
            given = "\n"
        else:
            given += _question(turn)
    return pieces


def signature(tool: Tool) -> str:
    """One line instead of a JSON schema: about a fifth of the tokens, and key order does not matter.

    The name comes again after the description: where it begins, the model has already read what
    the tool is for, so one step of attention leads from a question to the name to call.
    """
    params = ", ".join(
        f"{p.name}{'' if p.required else '?'}: {'|'.join(p.choices) or p.type}" for p in tool.params
    )
    return f"- {tool.name}: {tool.description[:DESCRIPTION_LENGTH]} -> {tool.name}({params})"


def _header(system: str, tools: Sequence[Tool]) -> str:
    if tools:
        lines = "".join(signature(tool) + "\n" for tool in tools)
        system = f"{system}\n<tools>\n{lines}</tools>" if system else f"<tools>\n{lines}</tools>"
    return f"<|im_start|>system\n{system}<|im_end|>\n" if system else ""


def _question(turn: Turn) -> str:
    if turn.role == "tool":
        return f"<|im_start|>user\n<tool_response>\n{turn.content}\n</tool_response><|im_end|>\n"
    return f"<|im_start|>{turn.role}\n{turn.content}<|im_end|>\n"


def _answer(turn: Turn) -> str:
    calls = [
        f'<tool_call>\n{{"name": "{call.name}", '
        f'"arguments": {json.dumps(call.arguments, ensure_ascii=False)}}}\n</tool_call>'
        for call in turn.calls
    ]
    return "\n".join([turn.content, *calls] if turn.content else calls)


def schema(tool: Tool) -> JsonObject:
    """`tool` as OpenAI clients send it, with the keys that real requests carry and the model never sees."""
    properties: dict[str, JsonValue] = {}
    for param in tool.params:
        body: dict[str, JsonValue] = {"type": param.type, "description": param.description or param.name}
        if param.choices:
            body["enum"] = list(param.choices)
        properties[param.name] = body
    required = [p.name for p in tool.params if p.required]
    parameters: JsonObject = {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
    function: JsonObject = {"name": tool.name, "description": tool.description, "parameters": parameters}
    return {"type": "function", "function": function}


def messages(turns: Sequence[Turn]) -> list[JsonObject]:
    """`turns` as the messages of an OpenAI request: arguments are a JSON string,"
    " content is null in a call."""
    out: list[JsonObject] = []
    for index, turn in enumerate(turns):
        message: JsonObject = {"role": turn.role, "content": turn.content or None}
        if turn.calls:
            message["tool_calls"] = [_tool_call(call, index) for call in turn.calls]
        if turn.role == "tool":
            message["tool_call_id"] = f"call_{index - 1}"
        out.append(message)
    return out


def _tool_call(call: Call, index: int) -> JsonObject:
    function: JsonObject = {
        "name": call.name,
        "arguments": json.dumps(call.arguments, ensure_ascii=False),
    }
    return {"id": f"call_{index}", "type": "function", "function": function}
