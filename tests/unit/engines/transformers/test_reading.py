"""Calls and thoughts in a model's text, whatever its pieces are."""

import json
from collections.abc import Callable, Sequence

import pytest

from polychat.engines.transformers.reading import (
    MARKS,
    Calls,
    Forced,
    Kind,
    Plain,
    Reader,
    Thoughts,
    marks_of,
)

Read = tuple[str, str, list[tuple[str, object]]]  # text, thoughts, calls


def read(reader: Reader, pieces: Sequence[str]) -> Read:
    parts = [part for piece in pieces for part in reader.feed(piece)] + list(reader.end())
    joined = {
        kind: "".join(part.text for part in parts if part.kind is kind)
        for kind in (Kind.TEXT, Kind.REASONING)
    }
    functions: dict[int, dict[str, str]] = {}
    for part in parts:
        if part.call is not None:
            index, function = part.call["index"], part.call["function"]
            assert isinstance(index, int)
            assert isinstance(function, dict)
            known = functions.setdefault(index, {"name": "", "arguments": ""})
            for key, value in function.items():
                known[key] += value
    calls = [(each["name"], json.loads(each["arguments"])) for each in functions.values()]
    return joined[Kind.TEXT], joined[Kind.REASONING], calls


def every_way(make: Callable[[], Reader], text: str) -> Read:
    """The same however the text is cut."""
    whole = read(make(), [text])
    assert read(make(), list(text)) == whole
    assert read(make(), [text[at : at + 3] for at in range(0, len(text), 3)]) == whole
    return whole


@pytest.mark.parametrize(
    ("family", "text", "expected"),
    [
        ("hermes", 'Yes.\n<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>', ("Yes.", ["f"])),
        (
            "hermes",
            '<tool_call>{"name": "f", "arguments": {}}</tool_call>\n<tool_call>{"name": "g", "arguments": {}}'
            "</tool_call>",
            ("", ["f", "g"]),
        ),
        ("hermes", '<tool_call>{"name": "f", "arguments": {}}', ("", ["f"])),
        ("hermes", "<tool_call>no JSON</tool_call> after", ("<tool_call>no JSON</tool_call> after", [])),
        ("hermes", "plain text \n", ("plain text \n", [])),
        ("llama3_json", '{"name": "f", "parameters": {"a": 1}}', ("", ["f"])),
        (
            "llama3_json",
            '<|python_tag|>{"name": "f", "parameters": {}}; {"name": "g", "parameters": {}}',
            ("", ["f", "g"]),
        ),
        ("llama3_json", '{"name": "Ann", "age": 7}', ('{"name": "Ann", "age": 7}', [])),
        (
            "mistral",
            '[TOOL_CALLS] [{"name": "f", "arguments": {}}, {"name": "g", "arguments": {}}]',
            ("", ["f", "g"]),
        ),
        ("mistral", '[TOOL_CALLS]f[ARGS]{"a": 1}[TOOL_CALLS]g[ARGS]{}', ("", ["f", "g"])),
    ],
)
def test_each_family_writes_its_calls_in_its_own_way(
    family: str, text: str, expected: tuple[str, list[str]]
) -> None:
    said, _, calls = every_way(lambda: Calls(MARKS[family]), text)
    assert (said, [name for name, _ in calls]) == expected


def test_no_more_calls_are_told_than_may_be() -> None:
    text = '<tool_call>{"name": "f", "arguments": {}}</tool_call>' * 2
    assert len(every_way(lambda: Calls(MARKS["hermes"], most=1), text)[2]) == 1


def test_a_forced_call_is_told_while_it_is_written() -> None:
    text = '{"name": "f", "arguments": {"a": [1, 2]}}'
    assert every_way(Forced, text) == ("", "", [("f", {"a": [1, 2]})])
    reader = Forced()
    assert sum(bool(reader.feed(character)) for character in text) > 5


@pytest.mark.parametrize(
    ("text", "is_open", "expected"),
    [
        ("<think>\nHm.</think>\n\nYes.", False, ("Yes.", "Hm.")),
        ("Hm.</think>\nYes.", True, ("Yes.", "Hm.")),
        ("Yes, <think>", False, ("Yes, <think>", "")),
        ("<think>cut off", False, ("", "cut off")),
        ("<thi", False, ("<thi", "")),
    ],
)
def test_thoughts_are_told_apart(text: str, is_open: bool, expected: tuple[str, str]) -> None:
    assert every_way(lambda: Thoughts(Plain(), is_open=is_open), text)[:2] == expected


def test_calls_after_thoughts_are_read() -> None:
    text = '<think>Hm.</think><tool_call>{"name": "f", "arguments": {}}</tool_call>'
    assert every_way(lambda: Thoughts(Calls(MARKS["hermes"])), text) == ("", "Hm.", [("f", {})])


def test_a_template_shows_which_family_it_is_of() -> None:
    assert marks_of("{{ '<tool_call>' }}") == "hermes"
    assert marks_of("{{ '[TOOL_CALLS]' }}") == "mistral"
    assert marks_of("{{ messages }}") == ""
