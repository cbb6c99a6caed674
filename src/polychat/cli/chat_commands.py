"""What a line typed into `polychat chat` means: words for the model, or a command. Pure.

To add a command: an entry in COMMANDS, and its case in `chat_session.py`.
"""

import difflib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from polychat.client import SamplingOptions
from polychat.errors import SetupError

COMMANDS = {  # name -> (argument, what it does)
    "help": ("", "show this"),
    "model": ("[NAME]", "show the model, or talk to another"),
    "models": ("", "list the models"),
    "system": ("[TEXT]", "show or set the system prompt; - takes it away"),
    "set": ("[NAME=VALUE]", "show or set temperature, top_p, max_tokens, seed"),
    "regen": ("", "answer the last question anew"),
    "undo": ("", "take the last question and answer back"),
    "reset": ("", "forget the conversation"),
    "save": ("FILE", "write the conversation to a file"),
    "load": ("FILE", "go on with a saved conversation"),
    "multiline": ("", "switch: Enter makes a new line, Alt-Enter sends"),
    "exit": ("", "leave (Ctrl-D does too)"),
}
ALIASES = {
    "clear": "reset",
    "new": "reset",
    "remove": "undo",
    "retry": "regen",
    "quit": "exit",
    "bye": "exit",
    "?": "help",
}


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    argument: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """A message for the model."""

    text: str


def parse(line: str) -> Command | Words | None:
    """What the user meant; None: nothing. `/name` or FastChat's `!!name`; `//…` is a message with one slash.

    Raises:
        SetupError: there is no such command.
    """
    text = line.strip()
    if not text:
        return None
    if text.startswith("//"):
        return Words(text[1:])
    if not text.startswith(("/", "!!")):
        return Words(line.rstrip())
    word, _, argument = text.removeprefix("!!").removeprefix("/").partition(" ")
    name = ALIASES.get(word.lower(), word.lower())
    if name not in COMMANDS:
        nearest = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = (
            f"did you mean /{nearest[0]}?"
            if nearest
            else "/help lists them; // begins a message with a slash"
        )
        raise SetupError(f"no command /{word}; {hint}")
    return Command(name, argument.strip())


def help_text() -> str:
    rows = [(f"/{name} {argument}".strip(), told) for name, (argument, told) in COMMANDS.items()]
    table = "\n".join(f"  {command:<22} {told}" for command, told in rows)
    return f"{table}\n  Alt-Enter or a \\ at the line's end: one more line. Ctrl-C: stop the answer."


_RANGES: dict[str, tuple[Callable[[str], float], float, float]] = {
    "temperature": (float, 0.0, 2.0),
    "top_p": (float, 0.0, 1.0),
    "max_tokens": (int, 1, 1_000_000),
    "seed": (int, 0, 2**31 - 1),
}


def with_setting(options: SamplingOptions, text: str) -> SamplingOptions:
    """`options` with one of them set as in "temperature=0.2"; "default" leaves the choice to the engine.

    Raises:
        SetupError: no such setting, or a value that it cannot have.
    """
    name, *rest = text.replace("=", " ").split(None, 1) or [""]
    name, value = name.replace("-", "_"), "".join(rest).strip()
    if name not in _RANGES:
        raise SetupError(f"no setting {name!r}; there is {', '.join(_RANGES)}, as in /set temperature=0.2")
    if value in ("default", "none", ""):
        return _changed(options, name, None)
    kind, low, high = _RANGES[name]
    try:
        number = kind(value)
    except ValueError:
        number = high + 1
    if not low <= number <= high:
        raise SetupError(f"{name} must be {kind.__name__} from {low} to {high}, not {value!r}")
    return _changed(options, name, number)


def _changed(options: SamplingOptions, name: str, value: float | None) -> SamplingOptions:
    change: dict[str, Any] = {name: value}  # which field decides the value's type, and _RANGES has checked it
    return replace(options, **change)


def settings_text(options: SamplingOptions) -> str:
    values = {name: getattr(options, name) for name in _RANGES}
    return "  ".join(f"{name}={'default' if value is None else value}" for name, value in values.items())
