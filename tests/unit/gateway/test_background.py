"""Answers that nobody waits for, as tasks of the gateway."""

import asyncio

from polychat.gateway.background import Background
from tests.support.polling import eventually


async def everything(ids: frozenset[str]) -> frozenset[str]:
    return ids


async def is_idle(background: Background) -> bool:
    return not background.running


async def forever(ended: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("ended")


async def test_work_that_has_ended_is_forgotten() -> None:
    background, event = Background(everything), asyncio.Event()

    async def work() -> None:
        await event.wait()

    background.start("a", work())
    assert background.running == {"a"}
    event.set()
    assert await background.stop(drain_timeout_s=5) == frozenset()
    assert background.running == frozenset()


async def test_cancelling_waits_until_the_work_is_gone() -> None:
    background, ended = Background(everything), list[str]()
    background.start("a", forever(ended))
    await asyncio.sleep(0)
    await background.cancel("a")
    assert (ended, background.running) == (["ended"], frozenset())
    await background.cancel("a")
    await background.stop(drain_timeout_s=0)


async def test_what_does_not_end_in_time_is_cut_and_named() -> None:
    background, ended = Background(everything), list[str]()
    background.start("a", forever(ended))
    background.note_stop()
    assert await background.stop(drain_timeout_s=0) == {"a"}


async def test_what_was_cancelled_elsewhere_is_stopped_here() -> None:
    async def nothing(ids: frozenset[str]) -> frozenset[str]:
        return frozenset()

    background, ended = Background(nothing, beat_s=0), list[str]()
    background.start("a", forever(ended))
    await eventually(lambda: is_idle(background))
    assert ended == ["ended"]


async def test_a_bug_in_one_answer_leaves_the_others_alone() -> None:
    background, ended = Background(everything), list[str]()

    async def broken() -> None:
        raise ZeroDivisionError

    background.start("a", broken())
    background.start("b", forever(ended))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert background.running == {"b"}
    await background.stop(drain_timeout_s=0)
