"""Another replica's events made to go on where the first one's broke off. Pure."""

import msgspec

from polychat import sse
from polychat.gateway.continuation.said import HEAD, Chunk, Said


def rejoined(events: bytes, said: Said) -> bytes:
    """Whole events of the stream that goes on with `said`, as the rest of one stream."""
    return b"".join([_event(event, said) for event in sse.EventSplitter().feed(events)])


def ending(said: Said, *, finish_reason: str) -> bytes:
    """The events that end a stream in which everything else has been said."""
    if said.finish_reason:
        return sse.DONE
    part: Chunk = {"delta": {}} if "chat" in said.form else {"text": ""}
    choice = {"index": 0, **part, "finish_reason": finish_reason}
    chunk = {**said.head, "object": said.form, "choices": [choice]}
    return sse.encode(msgspec.json.encode(chunk)) + sse.DONE


def _event(event: bytes, said: Said) -> bytes:
    data = sse.data_of(event)
    if data is None or data == b"[DONE]":
        return event
    chunk = msgspec.json.decode(data)
    if not isinstance(chunk, dict) or "choices" not in chunk:
        return event  # an error is not part of the answer
    is_about_choices = bool(chunk["choices"])
    chunk["choices"] = [kept for choice in chunk["choices"] if (kept := _choice(choice)) is not None]
    if isinstance(chunk.get("usage"), dict):
        chunk["usage"] = _usage(chunk["usage"], said)
    elif is_about_choices and not chunk["choices"]:
        return b""
    for name in HEAD:
        if name in said.head:
            chunk[name] = said.head[name]
        else:
            chunk.pop(name, None)
    return sse.encode(msgspec.json.encode(chunk))


def _choice(choice: Chunk) -> Chunk | None:
    """The choice without the role, which has been told; None if it tells nothing else."""
    delta = choice.get("delta")
    if not isinstance(delta, dict):
        return choice
    is_opening = delta.pop("role", None) is not None
    tells = any(delta.values()) or choice.get("finish_reason")
    return None if is_opening and not tells else choice


def _usage(usage: Chunk, said: Said) -> Chunk:
    """The counts of the whole answer: what was said before is in this prompt, and belongs to the answer."""
    if not said.text:
        return usage
    # An engine may cut the text so far into fewer tokens than it was said in.
    prompt = max(0, (usage.get("prompt_tokens") or 0) - said.num_tokens)
    completion = (usage.get("completion_tokens") or 0) + said.num_tokens
    counted = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    details = usage.get("prompt_tokens_details")
    if isinstance(details, dict) and isinstance(cached := details.get("cached_tokens"), int):
        counted["prompt_tokens_details"] = details | {"cached_tokens": min(cached, prompt)}
    return usage | counted
