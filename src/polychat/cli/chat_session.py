"""The interactive loop of `polychat chat`: read a line, obey it or ask the model, until the user leaves."""

from dataclasses import replace
from pathlib import Path

from prompt_toolkit import PromptSession
from rich.console import Console
from rich.markup import escape

from polychat.cli import conversation as conversations
from polychat.cli.chat_answer import Answer, Model, ask
from polychat.cli.chat_commands import Command, Words, help_text, parse, settings_text, with_setting
from polychat.cli.chat_prompt import Typing, prompt_session
from polychat.cli.conversation import Conversation
from polychat.client import ApiError
from polychat.errors import SetupError


class Leave(Exception):
    """The user wants to go."""


class Session:
    """One user, one conversation, one model at a time."""

    def __init__(self, model: Model, conversation: Conversation, *, history: Path, multiline: bool) -> None:
        self._model = model
        self._conversation = conversation
        self._typing = Typing(multiline)
        self._console = Console(highlight=False)
        self._prompt: PromptSession[str] = prompt_session(history, self._typing)

    async def run(self) -> None:
        """Talk until /exit or Ctrl-D."""
        self._note(f"{self._model.name} at {self._model.client.base_url}. /help for help, Ctrl-D leaves.")
        while True:
            try:
                await self._turn(await self._prompt.prompt_async("> "))
            except KeyboardInterrupt:
                self._note("Ctrl-D or /exit leaves.")
            except (EOFError, Leave):
                return
            except (SetupError, ApiError) as exc:
                self._console.print(f"[red]{escape(str(exc))}[/red]")

    async def _turn(self, line: str) -> None:
        match parse(line):
            case Words(text=text):
                await self._ask(text)
            case Command(name="regen"):
                await self._regenerate()
            case Command(name="models"):
                await self._list_models()
            case Command(name="model", argument=name) if name:
                await self._switch(name)
            case Command() as command:
                self._obey(command)

    def _obey(self, command: Command) -> None:
        match command.name, command.argument:
            case "help", _:
                self._console.print(escape(help_text()))
            case "exit", _:
                raise Leave
            case "multiline", _:
                self._typing.multiline = not self._typing.multiline
                self._note(
                    "Alt-Enter sends, Enter makes a new line." if self._typing.multiline else "Enter sends."
                )
            case "model", _:
                self._note(self._model.name)
            case "set", text:
                self._set(text)
            case _:
                self._change(command)

    def _change(self, command: Command) -> None:
        """Commands that make another conversation of this one."""
        match command.name, command.argument:
            case "reset", _:
                self._conversation = self._conversation.cleared()
                self._note("The conversation is forgotten.")
            case "undo", _:
                self._conversation, question = self._conversation.undone()
                self._note(f"Taken back: {question}" if question else "There is nothing to take back.")
            case "system", text:
                self._system(text)
            case (("save" | "load"), ""):
                raise SetupError(f"/{command.name} needs a file's name")
            case "save", name:
                conversations.save(self._conversation, Path(name).expanduser())
                self._note(f"Saved to {name}.")
            case "load", name:
                self._conversation = conversations.load(Path(name).expanduser())
                self._note(f"{len(self._conversation.turns)} messages loaded.")

    def _system(self, text: str) -> None:
        if text:
            self._conversation = replace(self._conversation, system="" if text == "-" else text)
        self._note(f"System prompt: {self._conversation.system or 'none'}")

    def _set(self, text: str) -> None:
        if text:
            self._model = replace(self._model, options=with_setting(self._model.options, text))
        self._note(settings_text(self._model.options))

    async def _ask(self, text: str) -> None:
        asked = self._conversation.asked(text)
        answer = await ask(self._model, asked, self._console)
        self._conversation = asked.answered(answer.text)
        if note := note_on(answer):
            self._note(note)

    async def _regenerate(self) -> None:
        before, question = self._conversation.undone()
        if not question:
            raise SetupError("there is no question to answer anew")
        self._conversation = before
        await self._ask(question)

    async def _list_models(self) -> None:
        for card in await self._model.client.models():
            self._console.print(f"{'*' if card.id == self._model.name else ' '} {escape(card.id)}")

    async def _switch(self, name: str) -> None:
        served = [card.id for card in await self._model.client.models()]
        if name not in served:
            raise SetupError(f"no model {name!r} is served; there is {', '.join(served)}")
        self._model = replace(self._model, name=name)
        self._note(f"Talking to {name} now.")

    def _note(self, text: str) -> None:
        self._console.print(f"[dim]{escape(text)}[/dim]")


def note_on(answer: Answer) -> str:
    """What the user should know of an answer that did not end by itself."""
    if answer.is_stopped:
        return "(stopped)"
    if answer.finish_reason == "length":
        return "(cut off at the length limit; /set max_tokens=… gives it more)"
    return "" if answer.text else "(the model said nothing)"
