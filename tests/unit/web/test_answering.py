"""Writing an answer, against a scripted API whose stream the test lets go on piece by piece."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx

from polychat.client import Client, SamplingOptions
from polychat.web.answering import Answers
from polychat.web.session import Chat, Outcome


class Stream(httpx.AsyncByteStream):
    """An answer that stays open until the test ends it or the client hangs up."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.is_open = asyncio.Event()
        self.is_closed = asyncio.Event()

    def say(self, text: str, finish_reason: str | None = None) -> None:
        chunk = {"choices": [{"delta": {"content": text}, "finish_reason": finish_reason}]}
        self._events.put_nowait(b"data: " + json.dumps(chunk).encode() + b"\n\n")

    def end(self) -> None:
        self._events.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.is_open.set()
        while event := await self._events.get():
            yield event

    async def aclose(self) -> None:
        self.is_closed.set()


def answers(stream: Stream) -> Answers:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=stream))
    return Answers(Client("http://api", transport=transport), redraw_s=0.0)


def writing(of: Answers, page: str = "page") -> AsyncIterator[Chat]:
    return of.write(Chat().ask("Hi"), page=page, model="m", system_prompt="", options=SamplingOptions())


async def test_the_chat_is_given_after_each_piece_and_once_complete() -> None:
    stream = Stream()
    chats = writing(answers(stream))
    stream.say("Hel")
    assert (await anext(chats)).turns[-1].answer == "Hel"
    stream.say("lo", "stop")
    stream.end()
    last = [chat async for chat in chats][-1].turns[-1]
    assert (last.answer, last.outcome) == ("Hello", Outcome.DONE)


async def test_pieces_that_arrive_together_are_drawn_together() -> None:
    stream = Stream()
    for _ in range(100):
        stream.say("x")
    stream.say("", "stop")
    stream.end()
    chats = [chat async for chat in writing(answers(stream))]
    assert len(chats) < 10
    assert chats[-1].turns[-1].answer == "x" * 100


async def test_stopping_keeps_the_text_and_hangs_up() -> None:
    stream = Stream()
    of = answers(stream)
    chats = writing(of)
    stream.say("Hel")
    await anext(chats)
    of.stop("page")
    last = [chat async for chat in chats][-1].turns[-1]
    assert (last.answer, last.outcome) == ("Hel", Outcome.STOPPED)
    assert stream.is_closed.is_set()
    assert not of.is_writing("page")


async def test_an_answer_can_be_stopped_before_its_first_token() -> None:
    stream = Stream()
    of = answers(stream)
    first = asyncio.ensure_future(anext(writing(of)))
    await stream.is_open.wait()
    of.stop("page")
    assert (await first).turns[-1].outcome is Outcome.STOPPED
    assert stream.is_closed.is_set()


async def test_an_answer_can_be_stopped_before_it_is_asked_for() -> None:
    stream = Stream()
    of = answers(stream)
    first = asyncio.ensure_future(anext(writing(of)))
    await asyncio.sleep(0)  # one turn of the loop: the request is about to be sent
    assert of.is_writing("page")
    of.stop("page")
    assert (await first).turns[-1].outcome is Outcome.STOPPED
    assert not stream.is_open.is_set()


async def test_stopping_one_page_leaves_the_others_alone() -> None:
    stream = Stream()
    of = answers(stream)
    chats = writing(of, page="mine")
    of.stop("yours")
    stream.say("Hello", "stop")
    stream.end()
    assert [chat async for chat in chats][-1].turns[-1].outcome is Outcome.DONE


async def test_when_nobody_reads_on_the_connection_is_closed() -> None:
    stream = Stream()
    of = answers(stream)
    chats = of.write(Chat().ask("Hi"), page="page", model="m", system_prompt="", options=SamplingOptions())
    stream.say("Hel")
    await anext(chats)
    await chats.aclose()
    async with asyncio.timeout(1):
        await stream.is_closed.wait()
    assert not of.is_writing("page")


async def test_an_answer_that_breaks_off_keeps_its_text_and_says_what_to_do() -> None:
    stream = Stream()
    stream.say("Hel")
    stream.end()
    last = [chat async for chat in writing(answers(stream))][-1].turns[-1]
    assert (last.answer, last.outcome) == ("Hel", Outcome.FAILED)
    assert "cut off" in last.problem
    assert "**Regenerate**" in last.problem
