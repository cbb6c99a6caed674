"""The line that the user types in `polychat chat`: history, several lines, completion of commands."""

from dataclasses import dataclass
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from polychat.cli.chat_commands import COMMANDS


@dataclass(slots=True)
class Typing:
    """How Enter is meant."""

    multiline: bool  # True: Enter makes a new line and Alt-Enter sends; False: the other way round


def prompt_session(history: Path, typing: Typing) -> PromptSession[str]:
    """A prompt that keeps what was typed in the file `history`, for its user's eyes only."""
    history.touch(mode=0o600)
    return PromptSession(
        history=FileHistory(str(history)),
        multiline=True,  # the buffer may hold several lines; the bindings say what Enter does
        key_bindings=_bindings(typing),
        completer=WordCompleter([f"/{name}" for name in COMMANDS], sentence=True),
        complete_while_typing=Condition(lambda: False),
        prompt_continuation="  ",
    )


def _bindings(typing: Typing) -> KeyBindings:
    bindings = KeyBindings()

    @bindings.add("enter")
    def _enter(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if not typing.multiline and buffer.document.current_line_before_cursor.endswith("\\"):
            buffer.delete_before_cursor()
            buffer.insert_text("\n")
        elif typing.multiline and not buffer.text.startswith(("/", "!!")):
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @bindings.add("escape", "enter")
    def _alt_enter(event: KeyPressEvent) -> None:
        if typing.multiline:
            event.current_buffer.validate_and_handle()
        else:
            event.current_buffer.insert_text("\n")

    return bindings
