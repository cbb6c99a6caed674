"""POST /tokenize and POST /detokenize, as vLLM has published them: the requests.

Source: https://docs.vllm.ai/en/stable/serving/openai_compatible_server/, Tokenizer API.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from polychat.schema.chat import Message, Tool
from polychat.schema.generation import Free, NonEmpty
from polychat.types import Feature

TokenId = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class TokenizeRequest(msgspec.Struct, kw_only=True):
    """POST /tokenize: either a prompt, or messages as a chat would read them."""

    model: NonEmpty
    prompt: str | None = None
    messages: Annotated[list[Message], Meta(min_length=1)] | None = None
    tools: list[Tool] | None = None
    add_special_tokens: bool | None = None
    add_generation_prompt: bool | None = None
    continue_final_message: bool | None = None
    return_token_strs: bool | None = None
    chat_template_kwargs: Free | None = None

    def __post_init__(self) -> None:
        if (self.prompt is None) == (self.messages is None):
            raise ValueError("[prompt] or 'messages' is required, one of them")
        if self.continue_final_message and self.add_generation_prompt:
            raise ValueError(
                "[add_generation_prompt] must be false when 'continue_final_message' is true: "
                "the last message either goes on or has ended"
            )

    @property
    def adds_special_tokens(self) -> bool:
        """Whether the tokenizer adds such as BOS; chat templates write their own."""
        return self.messages is None if self.add_special_tokens is None else self.add_special_tokens

    @property
    def adds_generation_prompt(self) -> bool:
        """Whether what opens the assistant's turn is counted in."""
        if self.add_generation_prompt is None:
            return not self.continue_final_message
        return self.add_generation_prompt

    @property
    def needs(self) -> frozenset[Feature]:
        """What the model must be able to do."""
        contents = [message.content for message in self.messages or []]
        parts = {part.type for content in contents if isinstance(content, list) for part in content}
        asked = {
            Feature.TOOLS: bool(self.tools),
            Feature.VISION: "image_url" in parts,
            Feature.AUDIO_INPUT: "input_audio" in parts,
            Feature.CONTINUE: bool(self.continue_final_message),
        }
        return frozenset(feature for feature, is_asked in asked.items() if is_asked)


class DetokenizeRequest(msgspec.Struct):
    """POST /detokenize."""

    model: NonEmpty
    tokens: list[TokenId]

    @property
    def needs(self) -> frozenset[Feature]:
        """What the model must be able to do."""
        return frozenset()
