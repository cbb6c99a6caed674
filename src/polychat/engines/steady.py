"""Chunks of a stream in which only the text differs, changed once and then by example.

Between two chunks of one stream nothing changes but a few characters of text. What is done to the rest (a
name put right, a field taken out) is done to the first; the next ones get the same around their own text.
"""

import re
from collections.abc import Callable

Rewrite = Callable[[bytes], bytes]

_TEXT = re.compile(rb'"(?:content|text|reasoning_content|reasoning)":"(?P<text>[^"]*)')


class Steady:
    """`rewrite`, which must not look at the text of a chunk, nor at how many came before."""

    __slots__ = ("_after", "_before", "_new_after", "_new_before", "_rewrite")

    def __init__(self, rewrite: Rewrite) -> None:
        self._rewrite = rewrite
        self._before = self._after = self._new_before = self._new_after = b""

    def __call__(self, data: bytes) -> bytes:
        if self._after and data.endswith(self._after) and data.startswith(self._before):
            text = data[len(self._before) : -len(self._after)]
            # A text with a quote in it could be more than one, and is left to the rewrite.
            if b'"' not in text and len(data) >= len(self._before) + len(self._after):
                return self._new_before + text + self._new_after
        changed = self._rewrite(data)
        self._learn(data, changed)
        return changed

    def _learn(self, data: bytes, changed: bytes) -> None:
        was, now = _TEXT.search(data), _TEXT.search(changed)
        if was is None or now is None or was["text"] != now["text"]:
            self._after = b""
            return
        self._before, self._after = data[: was.start("text")], data[was.end() :]
        self._new_before, self._new_after = changed[: now.start("text")], changed[now.end() :]


def around(rewrite: Rewrite, inner: Rewrite | None) -> Rewrite:
    """`rewrite`, which does `inner` first: steady if that is."""
    return Steady(rewrite) if inner is None or isinstance(inner, Steady) else rewrite
