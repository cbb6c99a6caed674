"""A conversation's messages, from Anthropic's blocks to the published form."""

from collections.abc import Mapping, Sequence
from itertools import groupby

import msgspec

from polychat.compat.anthropic.blocks import (
    AnyBlock,
    Document,
    Image,
    Message,
    SearchResult,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
    joined,
    said,
)

Fields = dict[str, object]


def published(messages: Sequence[Message], system: str | list[Text] | None) -> list[Fields]:
    """The messages of a chat request. Neighbours of one role become one turn, as Anthropic has it."""
    tools = {b.id: b.name for message in messages for b in message.blocks if isinstance(b, ToolUse)}
    turns: list[Fields] = [{"role": "system", "content": said(system)}] if said(system) else []
    for role, group in groupby(messages, key=lambda message: message.role):
        blocks = [block for message in group for block in message.blocks]
        if role == "user":
            turns += _user(blocks, tools)
        elif role == "assistant":
            turns.append(_assistant(blocks))
        else:
            turns.append({"role": role, "content": _content(blocks)})
    return turns


def _user(blocks: Sequence[AnyBlock], tools: Mapping[str, str]) -> list[Fields]:
    """The results of tools first: they belong to the turn before."""
    results = [_result(block, tools) for block in blocks if isinstance(block, ToolResult)]
    rest = [block for block in blocks if not isinstance(block, ToolResult)]
    return [*results, {"role": "user", "content": _content(rest)}] if rest or not results else results


def _assistant(blocks: Sequence[AnyBlock]) -> Fields:
    turn: Fields = {
        "role": "assistant",
        "content": "".join(block.text for block in blocks if isinstance(block, Text)),
    }
    if thoughts := joined(*(block.thinking for block in blocks if isinstance(block, Thinking))):
        turn["reasoning_content"] = thoughts
    if calls := [_call(block) for block in blocks if isinstance(block, ToolUse)]:
        turn["tool_calls"] = calls
    return turn


def _call(block: ToolUse) -> Fields:
    function = {"name": block.name, "arguments": msgspec.json.encode(block.input).decode()}
    return {"id": block.id, "type": "function", "function": function}


def _result(block: ToolResult, tools: Mapping[str, str]) -> Fields:
    blocks = [Text(block.content)] if isinstance(block.content, str) else block.content or []
    if block.is_error:  # the published form has no mark for it
        blocks = [Text("The tool failed:" if blocks else "The tool failed."), *blocks]
    result: Fields = {"role": "tool", "tool_call_id": block.tool_use_id, "content": _content(blocks)}
    return result | ({"name": tools[block.tool_use_id]} if block.tool_use_id in tools else {})


def _content(blocks: Sequence[AnyBlock]) -> str | list[Fields]:
    """One string if it is all text, so that each engine's template joins it in the same way."""
    parts = [_part(block) for block in blocks]
    if all(part["type"] == "text" for part in parts):
        return joined(*(str(part["text"]) for part in parts))
    return parts


def _part(block: AnyBlock) -> Fields:
    match block:
        case Text() | Document() | SearchResult():
            return {"type": "text", "text": block.text}
        case Image():
            return {"type": "image_url", "image_url": {"url": block.url}}
    raise AssertionError(f"{block.kind} is not said by a user")
