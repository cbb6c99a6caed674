"""When a response is stored, and what its client has seen by then."""

import pytest

from polychat.errors import DatabaseUnavailable, ReplicaError
from polychat.gateway.routes.responses.sinks import Kept
from tests.unit.compat.responses.support import answer_to, chunk, completion, events_of, finish, types_of


class Shown:
    """Everything that was given away."""

    def __init__(self) -> None:
        self.said = b""
        self.is_ended = False

    async def whole(self, body: bytes) -> None:
        self.said += body

    async def write(self, events: bytes) -> None:
        self.said += events

    async def end(self) -> None:
        self.is_ended = True


def framed(*chunks: bytes) -> bytes:
    return b"".join(b"data: %b\r\n\r\n" % data for data in chunks)


async def test_the_last_event_is_held_back_until_the_response_is_stored() -> None:
    shown, seen_when_kept = Shown(), []

    async def keep() -> None:
        seen_when_kept.append(types_of(events_of(shown.said))[-1])

    sink = Kept(answer_to(), shown, keep=keep)
    await sink.events(framed(chunk(content="Hi"), finish()) + b"data: [DONE]\n\n")
    await sink.end()
    assert seen_when_kept == ["output_text.delta"]
    assert types_of(events_of(shown.said))[-1] == "completed"
    assert shown.is_ended


async def test_an_answer_in_one_piece_is_stored_before_it_is_given() -> None:
    shown, seen_when_kept = Shown(), []

    async def keep() -> None:
        seen_when_kept.append(shown.said)

    await Kept(answer_to(), shown, keep=keep).whole(completion({"content": "Hi"}), content_type="x")
    assert seen_when_kept == [b""]
    assert shown.said


async def test_what_cannot_be_stored_is_not_told_as_complete() -> None:
    shown = Shown()

    async def keep() -> None:
        raise DatabaseUnavailable

    answer = answer_to()
    sink = Kept(answer, shown, keep=keep)
    await sink.events(framed(chunk(content="Hi"), finish()))
    with pytest.raises(DatabaseUnavailable):
        await sink.end()
    ending = events_of(shown.said + answer.broken(DatabaseUnavailable()))
    assert types_of(ending)[-2:] == ["error", "failed"]
    assert ending[-2]["code"] == "database_unavailable"


async def test_an_engines_error_before_the_first_word_gives_nothing_away() -> None:
    async def keep() -> None:
        pytest.fail("there is nothing to keep")

    shown = Shown()
    with pytest.raises(ReplicaError, match="out of memory"):
        await Kept(answer_to(), shown, keep=keep).events(framed(b'{"error":{"message":"out of memory"}}'))
    assert shown.said == b""
