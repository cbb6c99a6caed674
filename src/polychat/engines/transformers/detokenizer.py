"""Tokens back to text as they come: never half a character, as much work for the last as for the first."""

from collections.abc import Callable, Sequence

Decode = Callable[[Sequence[int]], str]

_CONTEXT = 6  # tokens before the new ones that may change how these are written, such as a leading space
_LONGEST = 12  # tokens that may be needed for one character; after so many it is given up
_HALF = "\N{REPLACEMENT CHARACTER}"  # what decoders write for bytes that are no character yet


class Detokenizer:
    """The text of one answer. A window of the last tokens is decoded with and without the new one."""

    def __init__(self, decode: Decode, prompt: Sequence[int] = ()) -> None:
        self._decode = decode
        self._window = list(prompt[-_CONTEXT:])
        self._told = len(self._window)  # tokens of the window whose text has been given out

    def feed(self, token: int) -> str:
        """The text that the token adds; "" while a character is not whole."""
        self._window.append(token)
        before = self._decode(self._window[: self._told])
        text = self._decode(self._window)
        if text.endswith(_HALF) and len(self._window) - self._told < _LONGEST:
            return ""
        self._window = self._window[-_CONTEXT:]
        self._told = len(self._window)
        return text[len(before) :]
