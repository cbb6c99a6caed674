"""What a worker tells the process that transformers runs in. Apart, so that a worker imports no torch."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from polychat.engines.transformers.job import ModelSettings

MODULE = "polychat.engines.transformers.child"
VARIABLE = "POLYCHAT_TRANSFORMERS"
SERVING = "serving"  # the first word of the line that it prints when it answers
PHASE = "phase"  # the first word of the line that it prints when a part of its start begins
FAILED = "failed"  # the first word of the line that says why it cannot start


@dataclass(frozen=True, slots=True)
class Settings:
    """What the engine is started with."""

    model: ModelSettings
    name: str
    host: str
    secret: str
    port: int = 0
    sees: bool = False  # a model of images and text
    chat_template: str = ""  # Jinja; "": the tokenizer's own
    stop: tuple[str, ...] = ()  # strings that end an answer in that template
    stop_token_ids: tuple[int, ...] = ()
    tool_parser: str = ""  # "": by what the template writes

    def to_env(self) -> dict[str, str]:
        return {VARIABLE: msgspec.json.encode(self).decode()}

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        return msgspec.json.decode(env[VARIABLE], type=cls)
