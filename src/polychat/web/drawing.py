"""Turns a conversation into what Gradio's components show. Pure: values in, plain data out."""

import html
import re

from polychat.web.models import Menu
from polychat.web.session import Chat, Outcome, Turn

Bubble = dict[str, object]
"""A message in the form that `gr.Chatbot` takes."""


def bubbles(chat: Chat) -> list[Bubble]:
    return [bubble for turn in chat.turns for bubble in _of_turn(turn)]


def _of_turn(turn: Turn) -> list[Bubble]:
    shown: list[Bubble] = [{"role": "user", "content": literal(turn.question)}]
    if turn.reasoning:
        thinking = {"title": "Thinking", "status": "done" if turn.answer or turn.problem else "pending"}
        shown.append({"role": "assistant", "content": literal(turn.reasoning), "metadata": thinking})
    if turn.answer:
        shown.append({"role": "assistant", "content": literal(turn.answer)})
    if turn.problem:
        quoted = "\n".join(f"> {line}" for line in turn.problem.splitlines())
        shown.append({"role": "assistant", "content": quoted})
    return shown


_CODE_OR_FORMULA = r"""
    ```.*?(?:```|\Z) | ~~~.*?(?:~~~|\Z) | (?m:^(?:\ {4}|\t).*$) | `[^`\n]+`
    | \$\$.*?\$\$ | \\\[.*?\\\] | \\\(.*?\\\) | \$[^$\n]+\$
"""
_TAG = r"<(?=[A-Za-z/!?]) (?!https?://) (?!/?(?:br|kbd|sub|sup)\ ?/?>)"
_ASIDE_OR_TAG = re.compile(f"({_CODE_OR_FORMULA})|{_TAG}", re.DOTALL | re.VERBOSE)


def literal(markdown: str) -> str:
    """The same Markdown with what looks like HTML shown as it was written.

    Else a browser takes `<path>` or `<stdio.h>` for a tag, and the text after it disappears.
    """
    return _ASIDE_OR_TAG.sub(lambda found: found[1] or "&lt;", markdown)


def footnote(chat: Chat, *, took_s: float | None = None) -> str:
    """One line about the last answer: how it ended and how fast it was."""
    if not chat.turns:
        return ""
    turn = chat.turns[-1]
    parts = [_ENDINGS[turn.outcome], _speed(turn.output_tokens, took_s)]
    return " · ".join(part for part in parts if part)


_ENDINGS = {
    Outcome.ANSWERING: "Answering …",
    Outcome.DONE: "",
    Outcome.LENGTH: "The answer reached the token limit: raise *Max tokens* in the settings, or ask to go on",
    Outcome.STOPPED: "Stopped",
    Outcome.FAILED: "Not answered",
}


def _speed(output_tokens: int | None, took_s: float | None) -> str:
    if not output_tokens or not took_s:
        return ""
    return f"{output_tokens} tokens in {took_s:.1f} s ({output_tokens / took_s:.0f} tok/s)"


def status(menu: Menu, api_url: str) -> str:
    """The line beside the product's name, as HTML: a coloured dot, the API's address, how many models."""
    mood = "bad" if menu.notice else "good"
    count = "1 model" if menu.num_models == 1 else f"{menu.num_models} models"
    return (
        f'<span class="dot {mood}" aria-hidden="true"></span>'
        f'<span class="api">API <code>{html.escape(api_url)}/v1</code></span>'
        f'<span class="count">{count}</span>'
    )
