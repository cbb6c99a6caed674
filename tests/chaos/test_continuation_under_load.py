"""Streams of the built-in model that kill -9 cuts say to the last word what they would have said."""

import asyncio
import signal
from pathlib import Path

import pytest

from tests.support.chaos.asks import MINI, Api, Ask, Key, questions
from tests.support.chaos.client import Client
from tests.support.chaos.history import Outages
from tests.support.chaos.judge import Judge
from tests.support.chaos.layout import Layout
from tests.support.chaos.site import running

LAYOUT = Layout({"mini-1": MINI, "mini-2": MINI}, links=(), slots=8)
NUM_STREAMS, KILLED_AFTER_S = 32, 0.15


@pytest.mark.parametrize("api", [Api.CHAT, Api.COMPLETIONS, Api.RESPONSES, Api.MESSAGES])
async def test_a_stream_goes_on_word_for_word(api: Api, tmp_path: Path) -> None:
    violations: list[str] = []
    async with running(tmp_path, LAYOUT) as site:
        judge = Judge(Outages(dict(site.replicas)), violations.append)  # nothing excuses a failure
        client = Client({Key.MAIN: "any"}, asyncio.get_running_loop().time)
        asks = [ask for ask in questions() if ask.api is api]
        for ask in asks:
            judge.learn(await client.ask(ask, site.doors))
        streams = [
            Ask(number, api, MINI, asks[number % len(asks)].text, True) for number in range(NUM_STREAMS)
        ]
        asking = [asyncio.create_task(client.ask(ask, site.doors)) for ask in streams]
        await asyncio.sleep(KILLED_AFTER_S)
        site.expect_end(site.members["mini-1"])
        site.members["mini-1"].send(signal.SIGKILL)
        for trace in await asyncio.gather(*asking):
            judge.take(trace)
    judge.judge_all()
    assert not violations, violations[0]
    assert judge.counts["answered"] == NUM_STREAMS + len(asks)
