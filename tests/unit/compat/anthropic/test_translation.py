"""Whatever Anthropic's rules allow becomes a chat request that the published rules allow."""

import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from polychat.compat.anthropic import asks
from polychat.compat.anthropic.requests import parse_messages
from polychat.schema.validation import parse_chat

Json = dict[str, object]
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9)
TEXT_BLOCKS = st.builds(lambda text: {"type": "text", "text": text}, TEXTS)
IMAGE = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
DOCUMENT = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "d"}}
USER_BLOCKS = st.one_of(TEXT_BLOCKS, st.sampled_from([IMAGE, DOCUMENT]))
ASSISTANT_BLOCKS = st.one_of(TEXT_BLOCKS, st.just({"type": "thinking", "thinking": "t", "signature": "s"}))
ROLES = st.sampled_from(["user", "assistant", "call", "system"])
TOOLS = st.lists(st.sampled_from("fgh"), max_size=3, unique=True)


@st.composite
def conversations(draw: st.DrawFn) -> list[Json]:
    """Turns of each role in any order; each call has its result in the turn after."""
    messages: list[Json] = []
    num_calls = 0
    for role in draw(
        st.lists(st.sampled_from(["user", "assistant", "call", "system"]), min_size=1, max_size=5)
    ):
        if role == "system":
            messages.append({"role": "system", "content": draw(st.one_of(TEXTS, st.lists(TEXT_BLOCKS)))})
        elif role == "user":
            messages.append({"role": "user", "content": draw(st.one_of(TEXTS, st.lists(USER_BLOCKS)))})
        elif role == "assistant":
            messages.append(
                {"role": "assistant", "content": [b for b in draw(st.lists(ASSISTANT_BLOCKS)) if b]}
            )
        else:
            ids = [f"toolu_{num_calls + n}" for n in range(draw(st.integers(1, 2)))]
            num_calls += len(ids)
            messages += _called(ids, draw(st.lists(USER_BLOCKS, max_size=2)))
    return messages


def _called(ids: list[str], said: list[Json]) -> list[Json]:
    uses = [{"type": "tool_use", "id": id_, "name": "f", "input": {"a": [1]}} for id_ in ids]
    results = [{"type": "tool_result", "tool_use_id": id_, "content": said} for id_ in reversed(ids)]
    return [{"role": "assistant", "content": uses}, {"role": "user", "content": [*said, *results]}]


@given(conversations(), st.one_of(TEXTS, st.lists(TEXT_BLOCKS)), TOOLS, st.booleans())
def test_a_request_becomes_a_published_one(
    messages: list[Json], system: object, tools: list[str], is_streamed: bool
) -> None:
    request: Json = {"model": "m", "max_tokens": 5, "messages": messages, "system": system}
    request |= {"stream": is_streamed, "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}
    request["tools"] = [{"name": name, "input_schema": {"type": "object"}} for name in tools]
    chat = parse_chat(msgspec.json.encode(asks.chat(parse_messages(json.dumps(request).encode()))))
    assert bool(chat.stream) is is_streamed
    assert {call.id for message in chat.messages for call in message.tool_calls or []} == {
        message.tool_call_id for message in chat.messages if message.role == "tool"
    }
