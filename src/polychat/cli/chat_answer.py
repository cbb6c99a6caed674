"""One answer in the terminal: streamed, drawn as Markdown where there is a screen, stopped by Ctrl-C."""

import asyncio
import signal
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.markdown import Markdown
from rich.text import Text

from polychat.cli.chat_markdown import printable, split_finished, tail
from polychat.cli.conversation import Conversation
from polychat.client import Client, SamplingOptions


@dataclass(slots=True)
class Answer:
    """What the model has said so far."""

    text: str = ""
    reasoning: str = ""
    finish_reason: str | None = None
    is_stopped: bool = field(default=False)  # by the user


class Display(Protocol):
    """Shows an answer while it grows."""

    def show(self, answer: Answer) -> None: ...

    def close(self, answer: Answer) -> None: ...


class PlainDisplay:
    """The text alone, piece by piece, as a pipe or a file wants it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown = 0

    def show(self, answer: Answer) -> None:
        self._write(answer.text[self._shown :])
        self._shown = len(answer.text)

    def close(self, answer: Answer) -> None:
        self.show(answer)
        if answer.text and not answer.text.endswith("\n"):
            self._write("\n")

    def _write(self, text: str) -> None:
        self._console.file.write(text)
        self._console.file.flush()


class MarkdownDisplay:
    """Finished blocks printed for good, the one being written redrawn."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._printed = ""
        self._live = Live(console=console, refresh_per_second=12, transient=True)
        self._live.start()

    def show(self, answer: Answer) -> None:
        finished, rest = split_finished(printable(answer.text))
        if len(finished) > len(self._printed):
            self._console.print(Markdown(finished[len(self._printed) :]), end="\n")
            self._printed = finished
        lines = max(3, self._console.height - 4)
        if answer.text:
            self._live.update(Markdown(tail(rest, num_lines=lines)))
        elif answer.reasoning:
            self._live.update(Text(tail(printable(answer.reasoning), num_lines=4), style="dim italic"))

    def close(self, answer: Answer) -> None:
        self._live.update("")
        self._live.stop()
        if rest := printable(answer.text)[len(self._printed) :].strip("\n"):
            self._console.print(Markdown(rest))


def display_on(console: Console) -> Display:
    return MarkdownDisplay(console) if console.is_terminal else PlainDisplay(console)


@dataclass(frozen=True, slots=True)
class Model:
    """Who is asked, and how it picks its words."""

    client: Client
    name: str
    options: SamplingOptions


async def ask(model: Model, conversation: Conversation, console: Console) -> Answer:
    """The answer to a conversation. Ctrl-C ends it early, closes the connection, and keeps what was said.

    Raises:
        ApiError: refused or broken off; what was said is on the screen.
    """
    answer, display = Answer(), display_on(console)
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(_stream(model, conversation, answer, display))
    loop.add_signal_handler(signal.SIGINT, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        answer.is_stopped = True
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        display.close(answer)
    return answer


async def _stream(model: Model, conversation: Conversation, answer: Answer, display: Display) -> None:
    stream = model.client.stream_chat(
        model=model.name, messages=conversation.messages(), options=model.options
    )
    async with aclosing(stream) as deltas:
        async for delta in deltas:
            answer.text += delta.text
            answer.reasoning += delta.reasoning
            answer.finish_reason = delta.finish_reason or answer.finish_reason
            display.show(answer)
