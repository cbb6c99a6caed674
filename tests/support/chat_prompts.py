"""What FastChat's templates wrote for one conversation, and a renderer of templates as engines have it."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from jinja2.sandbox import ImmutableSandboxedEnvironment

Message = Mapping[str, object]

CONVERSATION: Sequence[Message] = (
    {"role": "system", "content": "{S}"},
    {"role": "user", "content": "U1"},
    {"role": "assistant", "content": "A1"},
    {"role": "user", "content": "U2"},
)


class TemplateRefused(Exception):
    """A template called `raise_exception`."""


def expected() -> dict[str, dict[str, object]]:
    """FastChat 0.2.36's prompt, stop strings and stop tokens for `CONVERSATION`: template name -> values."""
    path = Path(__file__).parent.parent / "data" / "fastchat_prompts.json"
    values: dict[str, dict[str, object]] = json.loads(path.read_text(encoding="utf-8"))
    return values


def renderer(jinja: str) -> Callable[..., str]:
    """Renders messages with a template; transformers' and vLLM's settings of Jinja."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.globals["raise_exception"] = _refuse
    template = environment.from_string(jinja)

    def rendered(messages: Sequence[Message], *, cue: bool = True, bos: str = "") -> str:
        return template.render(messages=messages, add_generation_prompt=cue, bos_token=bos)

    return rendered


def _refuse(message: str) -> None:
    raise TemplateRefused(message)
