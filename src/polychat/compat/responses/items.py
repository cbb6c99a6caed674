"""What was said, as the API lists it: every item with an id that tells the response it belongs to."""

import re
from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]  # decoded JSON

_PREFIXES = {
    "message": "msg",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
    "reasoning": "rs",
}
_RESPONSE_ID = re.compile(r"^resp_[0-9a-f]{48}\Z")
_ID = re.compile(r"^[a-z]+_(?P<key>[0-9a-f]{48})(?:i[0-9a-f]{3,}|[0-9a-f]{4,})\Z")


def response_id(key: str) -> str:
    """`key`: 48 hex digits, of which the ids of its items are made too."""
    return f"resp_{key}"


def is_response_id(text: str) -> bool:
    """Whether it can be one of ours; nothing else is worth a look into the database."""
    return _RESPONSE_ID.match(text) is not None


def output_id(kind: str, key: str, index: int) -> str:
    return f"{_PREFIXES[kind]}_{key}{index:04x}"


def owner_of(item_id: str) -> str | None:
    """The id of the response in which the item came up; None for an id that we have not made."""
    found = _ID.match(item_id)
    return response_id(found["key"]) if found else None


def listed(given: str | Sequence[Json] | None, key: str) -> list[Json]:
    """The input as items: a string becomes a message, each item gets a type and an id."""
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    return [_listed(item, f"{key}i{index:03x}") for index, item in enumerate(given or ())]


def is_reference(item: Json) -> bool:
    return item.get("type") == "item_reference" or not (item.get("type") or item.get("role"))


def _listed(item: Json, mark: str) -> Json:
    if is_reference(item):
        return {"type": "item_reference", "id": item["id"]}
    kind = item.get("type") or "message"
    full = {"id": item.get("id") or f"{_PREFIXES[kind]}_{mark}", **item, "type": kind}
    full["id"] = full["id"] or f"{_PREFIXES[kind]}_{mark}"
    if kind != "reasoning":
        full["status"] = item.get("status") or "completed"
    if kind == "message":
        full["content"] = _parts(item["content"], role=item["role"])
    return full


def _parts(content: str | list[Json], *, role: str) -> list[Json]:
    if not isinstance(content, str):
        return content
    if role == "assistant":
        return [{"type": "output_text", "text": content, "annotations": [], "logprobs": []}]
    return [{"type": "input_text", "text": content}]
