"""The sidebar: how the model behaves and picks tokens."""

from collections.abc import Mapping
from dataclasses import dataclass

import gradio as gr
from gradio.components import Component

from polychat.client import SamplingOptions


@dataclass(frozen=True, slots=True)
class Settings:
    system_prompt: gr.Textbox
    temperature: gr.Slider
    top_p: gr.Slider
    max_tokens: gr.Number

    @property
    def components(self) -> set[Component]:
        return {self.system_prompt, self.temperature, self.top_p, self.max_tokens}

    def options(self, values: Mapping[Component, object]) -> SamplingOptions:
        """What the user chose; an emptied field is not sent."""
        max_tokens = _number(values[self.max_tokens])
        return SamplingOptions(
            temperature=_number(values[self.temperature]),
            top_p=_number(values[self.top_p]),
            max_tokens=None if max_tokens is None else int(max_tokens),
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
            gr.Slider(0, 2, 0.7, step=0.05, label="Temperature", info="0: always the likeliest token."),
            gr.Slider(0, 1, 1, step=0.05, label="Top-p", info="Lower: only the likelier tokens."),
            gr.Number(
                1024,
                precision=0,
                label="Max tokens",
                info="The longest answer. Empty: the model's own limit.",
                elem_id="max-tokens",
            ),
        )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
