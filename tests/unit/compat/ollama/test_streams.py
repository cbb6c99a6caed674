"""A stream says the same as the whole answer, however it was cut."""

import itertools
import json
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from polychat.compat.ollama.face import Clock, OllamaFace, Show, as_chat, as_generate

Json = dict[str, object]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ARGUMENTS = st.dictionaries(TEXT, st.one_of(st.integers(), TEXT, st.lists(TEXT, max_size=2)), max_size=3)
CALLS = st.lists(st.tuples(st.sampled_from(["add", "now"]), ARGUMENTS), max_size=3)


def pieces(text: str, cuts: Sequence[int]) -> list[str]:
    """The text cut at those places, and cut nowhere else."""
    ends = sorted({cut % (len(text) + 1) for cut in cuts} | {0, len(text)})
    return [text[a:b] for a, b in itertools.pairwise(ends)]


def call(index: int, name: str, arguments: str) -> Json:
    function = {"name": name, "arguments": arguments}
    return {"index": index, "id": f"c{index}", "type": "function", "function": function}


def deltas(thinking: str, text: str, calls: Sequence[tuple[str, Json]], cuts: Sequence[int]) -> list[Json]:
    found: list[Json] = [{"role": "assistant", "content": ""}]
    found += [{"reasoning_content": piece} for piece in pieces(thinking, cuts)]
    found += [{"content": piece} for piece in pieces(text, cuts)]
    for index, (name, arguments) in enumerate(calls):
        found.append({"tool_calls": [call(index, name, "")]})
        for piece in pieces(json.dumps(arguments), cuts):
            found.append({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    return found


def joined(lines: Sequence[Json], field: str) -> str:
    return "".join(line.get(field) or "" for line in lines)  # type: ignore[misc]  # JSON


def timeless(line: Json) -> Json:
    return {
        name: value for name, value in line.items() if name not in ("created_at",) and "_duration" not in name
    }


def streamed(show: Show, chunks: Sequence[Json]) -> list[Json]:
    face = OllamaFace("m", show, Clock())
    said = b"".join([*[face.chunk(json.dumps(chunk).encode()) for chunk in chunks], face.end()])
    return [json.loads(line) for line in said.split(b"\n") if line]


@given(TEXT, TEXT, CALLS, st.lists(st.integers(0, 99), max_size=6), st.sampled_from(["stop", "length"]))
def test_a_chat_says_the_same_streamed_and_whole(
    thinking: str, text: str, calls: list[tuple[str, Json]], cuts: list[int], reason: str
) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 9}
    chunks: list[Json] = [
        {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        for delta in deltas(thinking, text, calls, cuts)
    ]
    end: Json = {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}
    lines = streamed(as_chat, [*chunks, end, {"choices": [], "usage": usage}])
    made = [call(index, name, json.dumps(arguments)) for index, (name, arguments) in enumerate(calls)]
    message = {"content": text or None, "reasoning_content": thinking, "tool_calls": made}
    completion = {"choices": [{"message": message, "finish_reason": reason}], "usage": usage}
    whole = json.loads(OllamaFace("m", as_chat, Clock()).whole(json.dumps(completion).encode()))

    messages: list[Json] = [line["message"] for line in lines]  # type: ignore[misc]  # JSON
    assert joined(messages, "content") == whole["message"]["content"] == text
    assert joined(messages, "thinking") == whole["message"].get("thinking", "") == thinking
    shown = [each for m in messages for each in m.get("tool_calls", [])]  # type: ignore[attr-defined]  # JSON
    assert shown == whole["message"].get("tool_calls", [])
    assert timeless(lines[-1]) == timeless(whole) | {"message": {"role": "assistant", "content": ""}}
    assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]


@given(TEXT, st.lists(st.integers(0, 99), max_size=6))
def test_a_completion_says_the_same_streamed_and_whole(text: str, cuts: list[int]) -> None:
    chunks: list[Json] = [
        {"choices": [{"text": piece, "finish_reason": None}]} for piece in pieces(text, cuts)
    ]
    lines = streamed(as_generate, [*chunks, {"choices": [{"text": "", "finish_reason": "stop"}]}])
    completion = {"choices": [{"text": text, "finish_reason": "stop"}]}
    whole = json.loads(OllamaFace("m", as_generate, Clock()).whole(json.dumps(completion).encode()))
    assert joined(lines, "response") == whole["response"] == text
    assert timeless(lines[-1]) == timeless(whole) | {"response": ""}
