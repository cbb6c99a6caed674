"""An answer on a screen and in a pipe."""

import asyncio
import os
import signal
from io import StringIO

import httpx
import pytest
from rich.console import Console

from polychat.cli.chat_answer import Answer, MarkdownDisplay, Model, PlainDisplay, ask
from polychat.cli.chat_session import note_on
from polychat.cli.conversation import Conversation
from polychat.client import ApiError, Client, SamplingOptions

DONE = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


def chunk(text: str) -> bytes:
    choice = f'{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":null}}'
    return f'data: {{"choices":[{choice}]}}\n\n'.encode()


class Events(httpx.AsyncByteStream):
    """A stream of the given parts; after the last it interrupts us if told so, as Ctrl-C would, and stays."""

    def __init__(self, *parts: bytes, then_interrupt: bool = False) -> None:
        self._parts = parts
        self._then_interrupt = then_interrupt
        self.is_closed = False

    async def __aiter__(self):  # type: ignore[no-untyped-def]  # the base class leaves it untyped too
        for part in self._parts:
            yield part
        if self._then_interrupt:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()

    async def aclose(self) -> None:
        self.is_closed = True


def model_that_says(events: Events) -> Model:
    headers = {"content-type": "text/event-stream"}
    transport = httpx.MockTransport(lambda request: httpx.Response(200, headers=headers, stream=events))
    return Model(Client("http://api", transport=transport), "mini", SamplingOptions())


def pipe() -> Console:
    return Console(file=StringIO())


def said(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


async def test_a_pipe_gets_the_plain_text_and_one_line_end() -> None:
    console = pipe()
    answer = await ask(model_that_says(Events(chunk("**Hel"), chunk("lo**"), DONE)), Conversation(), console)
    assert said(console) == "**Hello**\n"
    assert (answer.text, answer.finish_reason) == ("**Hello**", "stop")


async def test_control_c_stops_the_answer_closes_the_stream_and_keeps_what_was_said() -> None:
    events, console = Events(chunk("half an"), then_interrupt=True), pipe()
    answer = await ask(model_that_says(events), Conversation(), console)
    assert answer.is_stopped
    assert answer.text == "half an"
    assert events.is_closed
    assert said(console) == "half an\n"


async def test_an_error_in_mid_answer_is_told_after_what_was_said() -> None:
    console = pipe()
    events = Events(chunk("half"), b'data: {"error": {"message": "the replica died"}}\n\n')
    with pytest.raises(ApiError, match="the replica died"):
        await ask(model_that_says(events), Conversation(), console)
    assert said(console) == "half\n"


def test_a_screen_gets_markdown_block_by_block() -> None:
    console = Console(file=StringIO(), force_terminal=True, width=60, color_system=None)
    display, answer = MarkdownDisplay(console), Answer()
    for part in ("# Title\n\nsome *te", "xt*\n\n- one\n- two"):
        answer.text += part
        display.show(answer)
    display.close(answer)
    shown = said(console)
    assert "*te" not in shown.rpartition("Title")[2].rpartition("some text")[2]
    assert " • two" in shown


def test_an_answer_without_text_prints_nothing() -> None:
    console = pipe()
    PlainDisplay(console).close(Answer())
    assert said(console) == ""


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer("x", finish_reason="stop"), ""),
        (Answer("x", finish_reason="length"), "length limit"),
        (Answer("x", is_stopped=True), "stopped"),
        (Answer("", finish_reason="stop"), "said nothing"),
    ],
)
def test_an_answer_that_did_not_end_by_itself_is_noted(answer: Answer, told: str) -> None:
    assert told in note_on(answer)
    assert bool(told) == bool(note_on(answer))
