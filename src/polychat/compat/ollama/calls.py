"""Tool calls, from the published form, where arguments are a text in pieces, to whole objects."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from polychat.errors import PlatformError


class FunctionPiece(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class CallPiece(msgspec.Struct):
    """A tool call, or the part of one that a chunk adds."""

    index: int | None = None
    id: str | None = None
    function: FunctionPiece = msgspec.field(default_factory=FunctionPiece)


@dataclass(slots=True)
class _Call:
    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""

    def add(self, piece: CallPiece) -> None:
        self.id = self.id or piece.id or ""
        self.name += piece.function.name or ""
        self.arguments += piece.function.arguments or ""


class Calls:
    """Collects the pieces of one answer's calls; a call is whole when the next one begins or none follows."""

    def __init__(self) -> None:
        self._call: _Call | None = None

    def add(self, pieces: Sequence[CallPiece]) -> list[dict[str, object]]:
        """The calls that are whole now.

        Raises:
            PlatformError: the model wrote no JSON object.
        """
        done: list[dict[str, object]] = []
        for place, piece in enumerate(pieces):
            index = place if piece.index is None else piece.index
            if self._call is None or index != self._call.index:
                done += self.end()
                self._call = _Call(index)
            self._call.add(piece)
        return done

    def end(self, *, is_cut: bool = False) -> list[dict[str, object]]:
        """The last call. When the answer `is_cut` at its length, a call that was cut with it is left out.

        Raises:
            PlatformError: the model wrote no JSON object.
        """
        call, self._call = self._call, None
        if call is None:
            return []
        try:
            arguments = msgspec.json.decode(call.arguments or "{}", type=dict[str, object])
        except (msgspec.DecodeError, RecursionError) as exc:
            if is_cut:
                return []
            raise PlatformError(
                f"The model called the tool {call.name!r} with arguments that are no JSON object."
            ) from exc
        return [_shown(call, arguments)]


def _shown(call: _Call, arguments: dict[str, object]) -> dict[str, object]:
    shown: dict[str, object] = {"id": call.id} if call.id else {}
    return shown | {"function": {"index": call.index, "name": call.name, "arguments": arguments}}
