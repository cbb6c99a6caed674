"""The sidebar: how the model behaves and picks tokens."""

from collections.abc import Mapping
from dataclasses import dataclass

import gradio as gr
from gradio.components import Component

from polychat.client import ApiError, SamplingOptions


@dataclass(frozen=True, slots=True)
class Settings:
    system_prompt: gr.Textbox
    temperature: gr.Textbox
    top_p: gr.Textbox
    max_tokens: gr.Number

    @property
    def components(self) -> set[Component]:
        return {self.system_prompt, self.temperature, self.top_p, self.max_tokens}

    def options(self, values: Mapping[Component, object]) -> SamplingOptions:
        """What the user chose; an empty field is not sent.

        Raises:
            ApiError: a field that is no number.
        """
        max_tokens = values[self.max_tokens]
        return SamplingOptions(
            temperature=number("Temperature", values[self.temperature]),
            top_p=number("Top-p", values[self.top_p]),
            max_tokens=int(max_tokens) if isinstance(max_tokens, int | float) else None,
        )


def draw() -> Settings:
    with gr.Sidebar(label="Settings", open=False, position="right", width=300, elem_id="settings"):
        gr.Markdown("### Settings")
        return Settings(
            gr.Textbox(
                label="System prompt",
                placeholder="You are a helpful assistant.",
                info="How the model should behave. Empty: its own default.",
                lines=3,
                max_lines=10,
                elem_id="system-prompt",
            ),
            _optional_number("Temperature", "0: always the likeliest token; up to 2.", "temperature"),
            _optional_number("Top-p", "From 0 to 1; lower: only the likelier tokens.", "top-p"),
            gr.Number(
                1024,
                precision=0,
                label="Max tokens",
                info="The longest answer. Empty: the model's own limit.",
                elem_id="max-tokens",
            ),
        )


def _optional_number(label: str, info: str, elem_id: str) -> gr.Textbox:
    """A number that may be left out. Gradio's own number field shows nothing as 0, and sends that."""
    return gr.Textbox(label=label, info=info, placeholder="the model's own", max_lines=1, elem_id=elem_id)


def number(label: str, value: object) -> float | None:
    """What was typed into the field `label`; None if nothing was.

    Raises:
        ApiError: it is no number.
    """
    text = str(value or "").strip()
    try:
        return float(text.replace(",", ".")) if text else None
    except ValueError as exc:
        raise ApiError(f"{label} must be a number or empty, not {text!r}.", status=400, code=None) from exc
