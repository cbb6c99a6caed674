"""The echo engine's tokens: a word with the space before it; each Chinese, Japanese or Korean character.

A token's id is a hash of its text. Ids are remembered where they are given out, so that they can be read
again.
"""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Iterable, Sequence

from polychat.errors import RequestError

MAX_REMEMBERED = 1 << 16
_CJK = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uffef"
_TOKEN = re.compile(rf"\s*(?:[{_CJK}]|[^\s{_CJK}]+)|\s+$")


def tokens_of(text: str) -> list[str]:
    """The tokens of a text; joined they are the text again."""
    return _TOKEN.findall(text)


def id_of(token: str) -> int:
    """31 bits, the same in every process."""
    return int.from_bytes(hashlib.blake2b(token.encode(), digest_size=4).digest()) >> 1


class Vocabulary:
    """The tokens whose ids were given out lately."""

    def __init__(self) -> None:
        self._tokens: OrderedDict[int, str] = OrderedDict()

    def ids(self, tokens: Iterable[str]) -> list[int]:
        """The ids, remembered."""
        found = [(id_of(token), token) for token in tokens]
        for number, token in found:
            self._tokens[number] = token
            self._tokens.move_to_end(number)
        while len(self._tokens) > MAX_REMEMBERED:
            self._tokens.popitem(last=False)
        return [number for number, _ in found]

    def text(self, ids: Sequence[int], *, param: str = "prompt") -> str:
        """What the ids stand for.

        Raises:
            RequestError: one was never given out.
        """
        unknown = next((number for number in ids if number not in self._tokens), None)
        if unknown is not None:
            raise RequestError(f"{unknown} is no token id that /tokenize has given out.", param=param)
        return "".join(self._tokens[number] for number in ids)

    def known(self, number: int) -> str | None:
        return self._tokens.get(number)
