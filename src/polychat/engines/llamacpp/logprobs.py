"""Log probabilities: from llama.cpp's form, which is nearly that of chats, to the two published ones."""

from typing import Any

Token = dict[str, Any]  # Any: decoded JSON


def of_chat(tokens: list[Token], *, num_top: int) -> dict[str, object]:
    """A chat's form, with the `num_top` likeliest tokens at each place."""
    content = [
        _told(token) | {"top_logprobs": [_told(other) for other in token["top_logprobs"][:num_top]]}
        for token in tokens
    ]
    return {"content": content, "refusal": None}


def _told(token: Token) -> dict[str, object]:
    return {"token": _text(token), "bytes": token["bytes"], "logprob": token["logprob"]}


def _text(token: Token) -> str:
    """The token's text; its bytes in OpenAI's notation when they are part of a character only."""
    data = bytes(token["bytes"])
    try:
        return data.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in data)


class TextLogprobs:
    """A completion's form, for one choice: offsets count from the beginning of its text, prompt included."""

    def __init__(self, *, num_top: int, offset: int) -> None:
        self._num_top = num_top
        self._offset = offset  # characters

    def of(self, tokens: list[Token]) -> dict[str, object]:
        """The next tokens of the choice."""
        top = [self._likeliest(token) for token in tokens] if self._num_top else None
        return {
            "tokens": [_text(token) for token in tokens],
            "token_logprobs": [token["logprob"] for token in tokens],
            "top_logprobs": top,
            "text_offset": [self._advance(token) for token in tokens],
        }

    def _likeliest(self, token: Token) -> dict[str, float]:
        """Those asked for, and the one that was taken."""
        top = {_text(other): other["logprob"] for other in reversed(token["top_logprobs"][: self._num_top])}
        return dict(reversed(top.items())) | {_text(token): token["logprob"]}

    def _advance(self, token: Token) -> int:
        offset = self._offset
        self._offset += sum(byte & 0xC0 != 0x80 for byte in token["bytes"])  # bytes that begin a character
        return offset
