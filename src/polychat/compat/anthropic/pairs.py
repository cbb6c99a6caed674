"""Which tool calls have results, and which results have calls."""

from collections.abc import Sequence

from polychat.compat.anthropic.blocks import Message, ToolResult, ToolUse
from polychat.errors import RequestError


def require_results(messages: Sequence[Message]) -> None:
    """Each call has its result in the user's next turn, and each result its call in the turn before.

    Raises:
        RequestError: not so; in Anthropic's words, which clients look for.
    """
    called: set[str] = set()  # ids of the last turn's calls
    waiting: set[str] = set()  # those without a result
    caller = 0  # index of the message that made them
    before = None  # role of the message before
    for index, message in enumerate(messages):
        if message.role == "user":
            waiting -= _results(message, index, called)
        else:
            if message.role != before:
                _require_none(waiting, caller)
                called, caller = set(), index
            ids = {block.id for block in message.blocks if isinstance(block, ToolUse)}
            called, waiting = called | ids, waiting | ids
        before = message.role
    _require_none(waiting, caller)


def _results(message: Message, index: int, called: set[str]) -> set[str]:
    """The ids of the results in the message."""
    found: set[str] = set()
    for place, block in enumerate(message.blocks):
        if not isinstance(block, ToolResult):
            continue
        if block.tool_use_id not in called:
            path = f"messages[{index}].content[{place}].tool_use_id"
            raise RequestError(
                f"'{path}' is unexpected: {block.tool_use_id[:80]!r}. Each 'tool_result' block must have a "
                "corresponding 'tool_use' block in the previous message.",
                param=path,
            )
        found.add(block.tool_use_id)
    return found


def _require_none(waiting: set[str], index: int) -> None:
    if waiting:
        ids = ", ".join(sorted(waiting))[:200]
        raise RequestError(
            f"'messages[{index}].content' leaves 'tool_use' ids without 'tool_result' blocks immediately "
            f"after: {ids}. Each 'tool_use' block must have a corresponding 'tool_result' block in the next "
            "message.",
            param=f"messages[{index}].content",
        )
