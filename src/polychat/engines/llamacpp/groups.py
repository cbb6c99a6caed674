"""More choices than llama.cpp has slots: asked for in groups, one after the other, and put together."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from polychat import sse
from polychat.engines.base import RequestView, Shaped
from polychat.engines.llamacpp import fields


def fitted(call: Shaped, num_each: int, seed: int | None, view: RequestView) -> Shaped:
    """The call for `num_each` choices of each prompt; the first of several if they are more than the slots.

    Of a call that is not to stream, `response` must take a stream: it gets that of all groups.
    """
    if not 0 < view.slots < num_each:
        return call
    return _Groups(call, num_each, seed, view.slots).next_call()


@dataclass(slots=True)
class _Groups:
    """One request's groups. All are told with the functions of `call`, as if they were one answer."""

    call: Shaped
    num_each: int
    seed: int | None
    num_slots: int
    _first: int = 0  # the number of the choice that the next group begins with
    _id: str = ""  # the first group's, and so everyone's
    _whole: list[bytes] = field(default_factory=list)  # the events of the groups before

    def next_call(self) -> Shaped:
        first = self._first
        size = min(self.num_slots, self.num_each - first)
        self._first += size
        is_last = self._first == self.num_each

        def event(data: bytes) -> bytes:
            placed = self._placed(data, first, size)
            return self.call.event(placed) if self.call.event else placed

        def response(data: bytes) -> bytes | Shaped:
            self._whole += [sse.encode(self._placed(each, first, size)) for each in _datas(data)]
            if not is_last:
                return self.next_call()
            whole = b"".join(self._whole)
            return self.call.response(whole) if self.call.response else whole

        return replace(
            self.call,
            body=fields.added(self.call.body, self._asked(first, size)),
            response=response,
            event=event,
            then=None if is_last else self.next_call,
        )

    def _asked(self, first: int, size: int) -> dict[str, object]:
        if self.seed is None:
            return {"n": size}
        seed = (self.seed + first) % fields.RANDOM_SEED  # as llama.cpp counts on within a group
        return {"n": size, "seed": seed}

    def _placed(self, data: bytes, first: int, size: int) -> bytes:
        """One chunk of the group from the choice `first` on, as if it were of the whole."""
        chunk = msgspec.json.decode(data)
        if chunk is None or "choices" not in chunk:  # between two prompts; an error
            return data
        for choice in chunk["choices"]:
            prompt, number = divmod(choice["index"], size)
            choice["index"] = prompt * self.num_each + first + number
        self._id = chunk["id"] = self._id or chunk["id"]
        return msgspec.json.encode(chunk)


def _datas(stream: bytes) -> Iterator[bytes]:
    for event in sse.EventSplitter().feed(stream):
        data = sse.data_of(event)
        if data is not None and data != b"[DONE]":
            yield data
