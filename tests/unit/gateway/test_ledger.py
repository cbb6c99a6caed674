import asyncio

import pytest

from polychat.engines.base import RequestView
from polychat.errors import NotAllowed, PlatformError, ReplicaError, UnknownModel
from polychat.gateway.answers import Usage
from polychat.gateway.caller import Caller
from polychat.gateway.journey import Journey, Outcome, Record
from polychat.gateway.ledger import Ledger
from polychat.gateway.quota import Quota
from polychat.types import Endpoint

VIEW = RequestView(Endpoint.CHAT, "m", stream=True)


async def _ended(failure: BaseException | None = None, **facts: object) -> Record:
    """The record of a call that ended with `failure`."""
    records: list[Record] = []
    ledger, journey = Ledger(Quota(), [records.append]), Journey("r")
    try:
        with ledger.call(journey, VIEW, model="m", size_bytes=40):
            journey.sent_s, journey.attempts = journey.began_s, 1
            for name, value in facts.items():
                setattr(journey, name, value)
            if failure is not None:
                raise failure
    except (PlatformError, asyncio.CancelledError):
        pass
    (record,) = records
    return record


async def test_an_answer_is_told_with_its_usage() -> None:
    record = await _ended(usage=Usage(3, 5))
    assert (record.outcome, record.reason, record.usage) == (Outcome.ANSWERED, "", Usage(3, 5))


async def test_who_leaves_has_cancelled_and_pays_for_what_was_made() -> None:
    record = await _ended(asyncio.CancelledError(), events=7)
    assert (record.outcome, record.reason) == (Outcome.CANCELLED, "client_left")
    assert record.usage == Usage(10, 7, is_estimate=True)


async def test_who_leaves_after_the_last_event_has_been_answered() -> None:
    record = await _ended(asyncio.CancelledError(), usage=Usage(3, 5), is_whole=True)
    assert (record.outcome, record.reason) == (Outcome.ANSWERED, "")


async def test_a_replica_that_breaks_off_has_failed() -> None:
    record = await _ended(ReplicaError("The replica broke off."), events=2)
    assert record.outcome is Outcome.FAILED
    assert record.usage == Usage(10, 2, is_estimate=True)


async def test_a_model_that_there_is_not_is_refused() -> None:
    record = await _ended(UnknownModel("m"), sent_s=None, attempts=0)
    assert (record.outcome, record.usage) == (Outcome.REFUSED, None)


async def test_a_model_that_the_key_may_not_use_is_refused_before_anything_is_done() -> None:
    records: list[Record] = []
    journey = Journey("r", caller=Caller(models=frozenset({"other"})))
    ledger = Ledger(Quota(), [records.append])
    with pytest.raises(NotAllowed), ledger.call(journey, VIEW, model="m", size_bytes=40):
        raise AssertionError("the block must not run")
    assert records[0].outcome is Outcome.REFUSED
