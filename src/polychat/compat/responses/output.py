"""The output items of a response, each growing piece by piece and telling so in events.

`item` is at every moment what GET would show of it.
"""

from typing import Protocol

from polychat.compat.responses.events import Events
from polychat.compat.responses.items import Json, output_id
from polychat.compat.responses.tools import input_of_custom


class Growing(Protocol):
    """An item that has been announced and not been closed."""

    item: Json

    def close(self, *, status: str) -> None:
        """Tell that it is whole ("completed") or that it was cut ("incomplete")."""


class Place:
    """Where an item stands: what all of its events say, and where they go."""

    def __init__(self, events: Events, key: str, index: int) -> None:
        self._events = events
        self._key = key
        self._index = index
        self._id = ""

    def open(self, kind: str, **fields: object) -> Json:
        """The item at its beginning, announced."""
        self._id = output_id(kind, self._key, self._index)
        item: Json = {"id": self._id, "type": kind, **fields}
        self._events.add("response.output_item.added", output_index=self._index, item=item)
        return item

    def tell(self, type_: str, **fields: object) -> None:
        self._events.add(type_, item_id=self._id, output_index=self._index, **fields)

    def close(self, item: Json) -> None:
        self._events.add("response.output_item.done", output_index=self._index, item=item)


class Message:
    """What the model says to the user: one part, or one of text and one of refusal."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._part: TextPart | RefusalPart | None = None
        self.item = place.open("message", role="assistant", status="in_progress", content=[])

    def say(self, text: str, logprobs: list[Json]) -> None:
        if not isinstance(self._part, TextPart):
            self._close_part()
            self._part = TextPart(self._place, self._new_content_index())
        self._part.add(text, logprobs)

    def refuse(self, text: str) -> None:
        if not isinstance(self._part, RefusalPart):
            self._close_part()
            self._part = RefusalPart(self._place, self._new_content_index())
        self._part.add(text)

    def close(self, *, status: str) -> None:
        self._close_part()
        self.item["status"] = status
        self._place.close(self.item)

    def _new_content_index(self) -> int:
        return len(self.item["content"])

    def _close_part(self) -> None:
        if self._part is not None:
            self.item["content"].append(self._part.closed())
            self._part = None


class TextPart:
    def __init__(self, place: Place, content_index: int) -> None:
        self._place = place
        self._at = content_index
        self._pieces: list[str] = []
        self._logprobs: list[Json] = []
        place.tell("response.content_part.added", content_index=self._at, part=_text_part("", []))

    def add(self, text: str, logprobs: list[Json]) -> None:
        self._pieces.append(text)
        self._logprobs += [_item_logprob(one) for one in logprobs]
        if text:
            shown = [_event_logprob(one) for one in logprobs]
            self._place.tell("response.output_text.delta", content_index=self._at, delta=text, logprobs=shown)

    def closed(self) -> Json:
        text = "".join(self._pieces)
        shown = [_event_logprob(one) for one in self._logprobs]
        self._place.tell("response.output_text.done", content_index=self._at, text=text, logprobs=shown)
        part = _text_part(text, self._logprobs)
        self._place.tell("response.content_part.done", content_index=self._at, part=part)
        return part


class RefusalPart:
    def __init__(self, place: Place, content_index: int) -> None:
        self._place = place
        self._at = content_index
        self._pieces: list[str] = []
        empty = {"type": "refusal", "refusal": ""}
        place.tell("response.content_part.added", content_index=self._at, part=empty)

    def add(self, text: str) -> None:
        self._pieces.append(text)
        self._place.tell("response.refusal.delta", content_index=self._at, delta=text)

    def closed(self) -> Json:
        part: Json = {"type": "refusal", "refusal": "".join(self._pieces)}
        self._place.tell("response.refusal.done", content_index=self._at, refusal=part["refusal"])
        self._place.tell("response.content_part.done", content_index=self._at, part=part)
        return part


class Reasoning:
    """What the model thinks before it speaks."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._pieces: list[str] = []
        self.item = place.open("reasoning", summary=[], content=[], status="in_progress")
        place.tell("response.content_part.added", content_index=0, part=_reasoning_part(""))

    def add(self, text: str) -> None:
        self._pieces.append(text)
        self._place.tell("response.reasoning_text.delta", content_index=0, delta=text)

    def close(self, *, status: str) -> None:
        part = _reasoning_part("".join(self._pieces))
        self._place.tell("response.reasoning_text.done", content_index=0, text=part["text"])
        self._place.tell("response.content_part.done", content_index=0, part=part)
        self.item |= {"content": [part], "status": status}
        self._place.close(self.item)


class FunctionCall:
    """A call of a function whose arguments are still being written."""

    def __init__(self, place: Place, name: str, call_id: str) -> None:
        self._place = place
        self._pieces: list[str] = []
        self.item = place.open(
            "function_call", call_id=call_id, name=name, arguments="", status="in_progress"
        )

    def add(self, arguments: str) -> None:
        self._pieces.append(arguments)
        self._place.tell("response.function_call_arguments.delta", delta=arguments)

    def close(self, *, status: str) -> None:
        self.item |= {"arguments": "".join(self._pieces), "status": status}
        self._place.tell(
            "response.function_call_arguments.done",
            name=self.item["name"],
            arguments=self.item["arguments"],
        )
        self._place.close(self.item)


class CustomCall:
    """A call of a custom tool. Its input is within JSON, so it is told once it is whole."""

    def __init__(self, place: Place, name: str, call_id: str) -> None:
        self._place = place
        self._pieces: list[str] = []
        self.item = place.open("custom_tool_call", call_id=call_id, name=name, input="")

    def add(self, arguments: str) -> None:
        self._pieces.append(arguments)

    def close(self, *, status: str) -> None:
        text = input_of_custom("".join(self._pieces))
        self.item["input"] = text
        self._place.tell("response.custom_tool_call_input.delta", delta=text)
        self._place.tell("response.custom_tool_call_input.done", input=text)
        self._place.close(self.item)


def _text_part(text: str, logprobs: list[Json]) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": logprobs}


def _reasoning_part(text: str) -> Json:
    return {"type": "reasoning_text", "text": text}


def _item_logprob(full: Json) -> Json:
    """What is published of it; engines have more."""
    return {**_alone(full), "top_logprobs": [_alone(one) for one in full.get("top_logprobs") or []]}


def _alone(full: Json) -> Json:
    return {"token": full["token"], "logprob": full["logprob"], "bytes": full.get("bytes") or []}


def _event_logprob(full: Json) -> Json:
    """Events leave out the tokens' bytes, which the item has."""
    top = [{"token": one["token"], "logprob": one["logprob"]} for one in full.get("top_logprobs") or []]
    return {"token": full["token"], "logprob": full["logprob"], "top_logprobs": top}
