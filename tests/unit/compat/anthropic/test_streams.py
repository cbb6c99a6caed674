"""Whatever a model says, in whatever pieces, the stream says what the whole message says."""

import json
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from polychat.compat.anthropic.errors import errors_of
from polychat.compat.anthropic.events import SIGNATURE
from polychat.compat.anthropic.face import AnthropicFace

Json = dict[str, object]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
VALUES = st.dictionaries(TEXTS, st.one_of(st.integers(-9, 9), TEXTS, st.booleans()), max_size=3)
SAID = st.lists(
    st.one_of(st.tuples(st.just("content"), TEXTS), st.tuples(st.just("reasoning_content"), TEXTS)),
    max_size=4,
)


@st.composite
def answers(draw: st.DrawFn) -> tuple[list[Json], Json]:
    """The deltas of a stream, and the message that they add up to."""
    deltas: list[Json] = [{"role": "assistant", "content": ""}]
    message: dict[str, str] = {}
    calls: list[Json] = []
    for kind, said in draw(SAID):
        deltas += [{kind: piece} for piece in draw(cut(said))]
        message[kind] = message.get(kind, "") + said
    for index, arguments in enumerate(draw(st.lists(VALUES, max_size=3))):
        text = json.dumps(arguments)
        named: Json = {"index": index, "id": f"c{index}", "type": "function"}
        deltas.append({"tool_calls": [named | {"function": {"name": "f", "arguments": ""}}]})
        pieces = draw(cut(text))
        deltas += [{"tool_calls": [{"index": index, "function": {"arguments": p}}]} for p in pieces]
        calls.append(named | {"function": {"name": "f", "arguments": text}})
    return deltas, message | ({"tool_calls": calls} if calls else {})


@st.composite
def cut(draw: st.DrawFn, text: str) -> list[str]:
    """The text in pieces, some of them empty."""
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]


def face() -> AnthropicFace:
    return AnthropicFace("m", errors_of("req_1"))


def streamed(deltas: Sequence[Json]) -> list[Json]:
    shown = face()
    chunks: list[Json] = [
        {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas
    ]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    text = b"".join([*[shown.chunk(json.dumps(chunk).encode()) for chunk in chunks], shown.end()]).decode()
    return [json.loads(event.partition("\ndata: ")[2]) for event in text.split("\n\n") if event]


def whole(message: Json) -> list[Json]:
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    answer = json.loads(face().whole(json.dumps({"choices": [choice]}).encode()))
    return list(answer["content"])


def blocks_of(events: Sequence[Json]) -> list[Json]:
    """The blocks that a client builds; it fails where one is open when it must not be."""
    blocks: list[dict[str, str]] = []
    is_open = False
    for event in events:
        match event:
            case {"type": "content_block_start", "index": int(index), "content_block": dict(block)}:
                assert not is_open
                assert index == len(blocks)
                blocks.append(dict.fromkeys(("text", "thinking", "signature", "partial_json"), "") | block)
                is_open = True
            case {"type": "content_block_delta", "index": int(index), "delta": dict(delta)}:
                assert is_open
                assert index == len(blocks) - 1
                for field in delta.keys() - {"type"}:
                    blocks[-1][field] += delta[field]
            case {"type": "content_block_stop", "index": int(index)}:
                assert is_open
                assert index == len(blocks) - 1
                is_open = False
    assert not is_open
    return [dict(block) for block in blocks]


def said(blocks: Sequence[Json], kind: str) -> str:
    return "".join(str(block[kind]) for block in blocks if block["type"] == kind)


@given(answers())
def test_a_stream_says_what_the_whole_message_says(answer: tuple[list[Json], Json]) -> None:
    deltas, message = answer
    shown, expected = blocks_of(streamed(deltas)), whole(message)
    assert said(shown, "text") == said(expected, "text")
    assert said(shown, "thinking") == said(expected, "thinking")
    assert all(block["signature"] == SIGNATURE for block in shown if block["type"] == "thinking")
    used = [block for block in expected if block["type"] == "tool_use"]
    calls = [block for block in shown if block["type"] == "tool_use"]
    assert [(c["id"], c["name"], json.loads(str(c["partial_json"]))) for c in calls] == [
        (c["id"], c["name"], c["input"]) for c in used
    ]


@given(answers())
def test_a_stream_is_framed_as_a_message(answer: tuple[list[Json], Json]) -> None:
    first, second, *middle, delta, last = streamed(answer[0])
    kinds = [event["type"] for event in (first, second, delta, last)]
    assert kinds == ["message_start", "ping", "message_delta", "message_stop"]
    assert all(str(event["type"]).startswith("content_block_") for event in middle)
    calls = [e for e in middle if "tool_use" in json.dumps(e.get("content_block"))]
    assert delta["delta"] == {"stop_reason": "tool_use" if calls else "end_turn", "stop_sequence": None}
