import json
import math
import re
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from polychat.errors import RequestError
from polychat.schema.strict_json import MAX_DEPTH, check

DEEP = 100_000
GRIN = "\\ud83d\\ude00"


@pytest.mark.parametrize(
    ("body", "sentence", "param"),
    [
        (b"", "is empty", None),
        (b" ", "ends too early", None),
        (b"{", "ends too early, at position 1", None),
        (b'{"a":"x', "Unterminated string at position 5", None),
        (b"null", "must be a JSON object, not null", None),
        (b"[]", "must be a JSON object, not a list", None),
        (b"1", "must be a JSON object, not a number", None),
        (b"true", "must be a JSON object, not a boolean", None),
        (b"{} {}", "Extra data at position 3", None),
        (b"{'a':1}", "in double quotes at position 1|in double quotes", None),
        (b'{"a":1,}', "at position 7", None),
        (b'{"a":01}', "at position 6", None),
        (b"\xef\xbb\xbf{}", "byte order mark", None),
        (b'{"x":"\xff"}', "bad byte at position 6", None),
        (b'{"x":"\xed\xa0\x80"}', "bad byte at position 6", None),
        (b'{"x":"\\ud800"}', "half of a surrogate pair at position 6", None),
        (b'{"x":"\\uDFFF"}', "half of a surrogate pair at position 6", None),
        (b'{"x":"\\\\ud83d\\ude00"}', "half of a surrogate pair at position 13", None),
        (b'{"x":"\\u0000"}', "a NUL character at position 6", None),
        (b'{"\\u0000":1}', "a NUL character at position 2", None),
        (b'{"x":"\x00"}', "control character at position 6", None),
        (b'{"x":[1,NaN]}', "NaN, which is not JSON", "x[1]"),
        (b'{"x":{"y":-Infinity}}', "-Infinity, which is not JSON", "x.y"),
        (b'{"x":1e999}', "'1e999', a number too large", "x"),
        (b'{"x":18446744073709551616}', "a number beyond 64 bits", "x"),
        (b'{"x":-9223372036854775809}', "a number beyond 64 bits", "x"),
        (b'{"x":' + b"9" * 100_000 + b"}", "a number beyond 64 bits", "x"),
        (b'{"a":1,"a":1}', "the key 'a' twice", "a"),
        (b'{"x":[{"y":{"a":1,"b":2,"a":3}}]}', "the key 'a' twice", "x[0].y.a"),
        (b'{"a":1,"\\u0061":1}', "the key 'a' twice", "a"),
        (b'{"x":' + b"[" * DEEP + b"]" * DEEP + b"}", "nested too deeply", None),
        (b'{"x":' * DEEP + b"1" + b"}" * DEEP, "nested too deeply", None),
        (b'{"x":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}", "nested too deeply", None),
        (b'{"x":' + b"[" * DEEP, "nested too deeply", None),
    ],
)
def test_a_bad_body_is_refused_with_what_and_where(body: bytes, sentence: str, param: str | None) -> None:
    with pytest.raises(RequestError, match=sentence) as caught:
        check(body)
    assert caught.value.param == param
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "text",
    [
        " {} \r\n",
        '{"x":18446744073709551615,"y":-9223372036854775808}',
        '{"x":0.1234567890123456789012345,"y":1e-999,"z":1.7976931348623157e308}',
        f'{{"x":"{GRIN}{GRIN}\\n{GRIN}"}}',
        '{"x":"\\\\u0000 \\\\ud800 \\\\\\\\ud800 \\"\\u0041"}',
        '{"x":"NaN, Infinity, [[[[{{{{"}',
        '{"a":{"a":1},"b":{"a":1}}',
        '{"x":' + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1) + "}",
        '{"x":[' + '{"a":[[]]},' * 500 + "1]}",
    ],
)
def test_unusual_but_right_bodies_pass(text: str) -> None:
    check(text.encode())


def accepts(body: bytes) -> bool:
    try:
        check(body)
    except RequestError:
        return False
    return True


def reference_accepts(body: bytes) -> bool:
    """The same rules, each on its own over the whole decoded document."""
    try:
        text = body.decode("utf-8")
        pairs = json.loads(text, object_pairs_hook=lambda pairs: ("object", pairs))
    except (ValueError, RecursionError):
        return False
    return isinstance(pairs, tuple) and _is_plain(pairs, depth=1)


def _is_plain(value: Any, depth: int) -> bool:
    match value:
        case ("object", pairs):
            keys = [key for key, _ in pairs]
            inner = [inner for _, inner in pairs]
            return len(set(keys)) == len(keys) and all(_is_plain(v, depth + 1) for v in [*keys, *inner])
        case list():
            return depth <= MAX_DEPTH and all(_is_plain(inner, depth + 1) for inner in value)
        case str():
            return "\0" not in value and not re.search("[\ud800-\udfff]", value)
        case bool() | None:
            return True
        case int():
            return -(2**63) <= value < 2**64
        case _:
            return math.isfinite(value)


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**66), 2**66)
    | st.floats()
    | st.text(st.characters() | st.sampled_from('\0\ud800\udc00\\"u0'), max_size=4)
)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=15,
)
SYNTAX = [
    b'{"',
    b'":',
    b'"a":',
    b"}",
    b"{}",
    b"[",
    b"]",
    b",",
    b'"',
    b"\\",
    b"\\u",
    b"0000",
    b"d83d",
    b"\\ude00",
]
KEYS = [
    b',"a":1',
    b'"a":2,',
    b'"a" :3,',
    b'"b":"\\u003a",',
    b'"b":"\\":",',
    b'"c":{"a":1},',
    b'"c":[],',
    b'"\\u0061":":"',
]
VALUES = [b"1", b"-", b"e999", b"9" * 20, b".5", b"NaN", b"true", b"null", b" ", b"\n", b"\0", b"\xff", b"x"]
snippets = st.lists(st.sampled_from(SYNTAX + VALUES), max_size=12).map(b"".join)


@settings(deadline=None)
@given(documents, st.booleans())
def test_any_document_is_accepted_exactly_if_the_slow_reference_accepts_it(
    value: object, plain: bool
) -> None:
    body = json.dumps({"x": value}, ensure_ascii=plain).encode(errors="surrogatepass")
    assert accepts(body) == reference_accepts(body)


@settings(deadline=None)
@given(snippets)
@example(b'"\\\\ud83d\\ude00"')
@example(b"NaN,}")
def test_any_bytes_are_accepted_exactly_if_the_slow_reference_accepts_them(inside: bytes) -> None:
    for body in (b'{"x":' + inside + b"}", b'{"x":"' + inside + b'"}', inside):
        assert accepts(body) == reference_accepts(body)


@settings(deadline=None)
@given(st.lists(st.sampled_from(KEYS), max_size=6).map(b"".join))
@example(b'"a":1,"a":2,"b":"\\u003a"')
@example(b'"a" :1,"b":"\\":",\n"a"\n:2')
def test_a_key_that_comes_twice_is_found_whatever_colons_there_are(fields: bytes) -> None:
    for body in (b"{" + fields.strip(b",") + b"}", b'{"x":[{' + fields.strip(b",") + b'}],"y":":"}'):
        assert accepts(body) == reference_accepts(body)


HOSTILE = {
    "empty lists": (b'{"x":[' + b"[]," * 3_000_000 + b"1]}"),
    "objects": (b'{"x":[' + b'{"a":1},' * 1_000_000 + b"1]}"),
    "escapes": (b'{"x":"' + GRIN.encode() * 700_000 + b'"}'),
    "backslashes": (b'{"x":"' + b"\\\\" * 4_000_000 + b'\\u0000"}'),
    "opening brackets": b'{"x":' + b"[" * 8_000_000,
    "a long number": b'{"x":' + b"1" * 8_000_000 + b"}",
    "an image": b'{"x":"' + b"iVBORw0KGgo1e999" * 600_000 + b'"}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_body_of_8_mb_takes_no_seconds(name: str) -> None:
    started_s = time.process_time()
    accepts(HOSTILE[name])
    assert time.process_time() - started_s < 60  # 0.02 to 0.5 s on an idle machine; quadratic: many minutes
