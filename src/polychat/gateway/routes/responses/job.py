"""One response to be made: who asked, what was said, and the answer that grows."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec

from polychat.compat.responses import asks, items, requests, response
from polychat.compat.responses.answer import Answer
from polychat.compat.responses.items import Json
from polychat.compat.responses.tools import custom_names
from polychat.gateway.exchange import Exchange
from polychat.gateway.response_store import Record
from polychat.gateway.routes.responses import conversation
from polychat.gateway.state import Gateway


@dataclass(frozen=True, slots=True)
class Job:
    request: requests.ResponseRequest
    owner: str
    input_items: Sequence[Json]
    messages: Sequence[Json]  # what the model will read
    answer: Answer

    @property
    def record(self) -> Record:
        """As it is now."""
        return Record(self.owner, self.answer.response, self.input_items)

    def without_oldest(self) -> "Job | None":
        """The same with less to read; None when nothing can go."""
        kept = asks.shortened(self.messages)
        return replace(self, messages=kept) if kept else None


async def prepared(gateway: Gateway, exchange: Exchange, body: bytes) -> Job:
    """The job that a request's body asks for.

    Raises:
        PlatformError: it is no request, or builds on what is not there.
    """
    request = requests.parse(body)
    document = msgspec.json.decode(body)
    if request.is_stored:
        await gateway.database.require()  # better told before the model has worked
    owner, key = exchange.journey.caller.account, secrets.token_hex(24)
    own = items.listed(document.get("input"), key)
    said = await conversation.resolved(gateway.responses, own, owner=owner)
    before = await conversation.history(gateway.responses, request, owner=owner)
    begun = response.begun(request, document, key=key, created_at=int(time.time()))
    answer = Answer(begun, key=key, custom=custom_names(request.tools), now_s=time.time)
    return Job(request, owner, said, asks.conversation(request, [*before, *said]), answer)
