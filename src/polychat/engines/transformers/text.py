"""A model's tokenizer: texts to tokens and back, chats to prompts."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import jinja2
from transformers import PreTrainedTokenizerBase

from polychat.engines.transformers.detokenizer import Detokenizer
from polychat.engines.transformers.job import Encoded
from polychat.errors import RequestError

_SPACE = "▁"  # what SentencePiece writes for one
_GAP_MARKS = (
    ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"),
    ("<fim_prefix>", "<fim_suffix>", "<fim_middle>"),
    ("<fim-prefix>", "<fim-suffix>", "<fim-middle>"),
    ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),
)
Document = Mapping[str, Any]  # Any: decoded JSON


class Text:
    """The tokenizer, for one event loop."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, *, template: str = "") -> None:
        """`template`: Jinja that replaces the tokenizer's own."""
        self._tokenizer = tokenizer
        self.template = template or _own_template(tokenizer)
        self.num_ids = len(tokenizer)
        self._bytes = lru_cache(maxsize=1 << 16)(self._bytes_of)

    def encode(self, text: str, *, adds_special: bool = True) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=adds_special)
        return ids

    def encode_input(self, text: str, other: str | None = None) -> Encoded:
        """An input of an embedding model, or a pair of a reranker's."""
        encoded = self._tokenizer(text, other, truncation=False)
        return Encoded(tuple(encoded["input_ids"]), tuple(encoded.get("token_type_ids") or ()))

    def decode(self, ids: Sequence[int], *, keeps_special: bool = False) -> str:
        text: str = self._tokenizer.decode(
            list(ids), skip_special_tokens=not keeps_special, clean_up_tokenization_spaces=False
        )
        return text

    def detokenizer(self, prompt: Sequence[int], *, keeps_special: bool = False) -> Detokenizer:
        """For an answer that follows `prompt`."""
        return Detokenizer(lambda ids: self.decode(ids, keeps_special=keeps_special), prompt)

    def is_special(self, piece: str) -> bool:
        """Whether it is a token that `decode` leaves out."""
        return piece in self._tokenizer.all_special_tokens

    @property
    def can_be_held(self) -> bool:
        """Whether its vocabulary is of the kind that grammars know."""
        return bool(self._tokenizer.is_fast)

    @property
    def beginning(self) -> list[int]:
        """What an empty text is read as."""
        ids = (self._tokenizer.bos_token_id, self._tokenizer.eos_token_id)
        return [id_ for id_ in ids if id_ is not None][:1]

    @property
    def gap_marks(self) -> tuple[str, str, str] | None:
        """What stands before the text before a gap, between it and the text after, and after that."""
        vocabulary = self._tokenizer.get_added_vocab()
        return next((marks for marks in _GAP_MARKS if all(mark in vocabulary for mark in marks)), None)

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Each token's own text."""
        return [self.bytes_of(id_).decode(errors="replace") for id_ in ids]

    def bytes_of(self, token: int) -> bytes:
        """What the token stands for; some are part of a character only."""
        return self._bytes(token)

    def chat(
        self, messages: Sequence[Document], tools: Sequence[Document] | None, **more: object
    ) -> list[int]:
        """The prompt of a chat, with one BOS if the model has one.

        Raises:
            RequestError: the template refuses the messages.
        """
        if not self.template:
            raise RequestError("This model has no chat template; start it with --chat-template FILE|NAME.")
        text = self.render(messages, tools, **more)
        ids = self.encode(text, adds_special=False)
        begins = self._bos
        return ids if begins is None or ids[:1] == [begins] else [begins, *ids]

    def check_template(self) -> None:
        """Raises jinja2.TemplateSyntaxError if no chat at all can be rendered."""
        try:
            if self.template:
                self.render([{"role": "user", "content": "."}], None)
        except RequestError as exc:
            if isinstance(exc.__cause__, jinja2.TemplateSyntaxError):
                raise exc.__cause__ from None

    def render(self, messages: Sequence[Document], tools: Sequence[Document] | None, **more: object) -> str:
        """The text of a chat's prompt."""
        try:
            text: str = self._tokenizer.apply_chat_template(
                list(messages), tools=tools or None, chat_template=self.template, tokenize=False, **more
            )
        except (jinja2.TemplateError, TypeError, ValueError, KeyError) as exc:
            raise RequestError(
                f"The model's chat template refuses these messages: {exc}", param="messages"
            ) from exc
        return text

    @property
    def _bos(self) -> int | None:
        """The token that this tokenizer puts before every text, if it does."""
        bos: int | None = self._tokenizer.bos_token_id
        return bos if bos is not None and self.encode("")[:1] == [bos] else None

    def _bytes_of(self, token: int) -> bytes:
        if token in self._tokenizer.added_tokens_decoder:
            return str(self._tokenizer.added_tokens_decoder[token]).encode()
        piece = self._tokenizer.convert_ids_to_tokens(token)
        if piece is None:
            return b""
        if len(piece) == 6 and piece.startswith("<0x"):  # SentencePiece's way to write a byte
            return bytes([int(piece[3:5], 16)])
        if all(character in _BYTES for character in piece):
            return bytes(_BYTES[character] for character in piece)
        return str(piece).replace(_SPACE, " ").encode()


def _own_template(tokenizer: PreTrainedTokenizerBase) -> str:
    try:
        return str(tokenizer.get_chat_template())
    except ValueError:  # it has none
        return ""


def _byte_characters() -> dict[str, int]:
    """The characters that stand for bytes in byte-level vocabularies.

    Source: GPT-2's encoder: printable Latin-1 stands for itself, the others follow from 256 on.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(0x100) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + at): byte for at, byte in enumerate(others)}


_BYTES = _byte_characters()
