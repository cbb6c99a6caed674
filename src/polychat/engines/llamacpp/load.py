"""llama.cpp's `/metrics` and `/slots` as our `Load`."""

import re

import msgspec

from polychat.types import Load

_LINE = re.compile(rb"^llamacpp:(\w+) ([0-9.eE+-]+)$", re.MULTILINE)


class _Decoded(msgspec.Struct):
    n_decoded: int = 0


class _Slot(msgspec.Struct):
    is_processing: bool
    n_prompt_tokens: int = 0
    next_token: tuple[_Decoded, ...] = ()

    @property
    def decoded(self) -> int:
        return self.next_token[0].n_decoded if self.next_token else 0


def load_of(metrics: bytes, slots_json: bytes, *, kv_tokens: int, slots: int) -> Load:
    """The load that both tell together: the counters there move only when a request ends."""
    counters = {name.decode(): float(value) for name, value in _LINE.findall(metrics)}
    busy = [slot for slot in msgspec.json.decode(slots_json, type=list[_Slot]) if slot.is_processing]
    decoded = sum(slot.decoded for slot in busy)
    held = sum(slot.n_prompt_tokens for slot in busy) + decoded
    return Load(
        running=len(busy),
        waiting=int(counters.get("requests_deferred", 0)),
        kv_cache_usage=round(min(1.0, held / kv_tokens), 4),
        slots=slots,
        output_tokens_total=int(counters.get("tokens_predicted_total", 0)) + decoded,
    )
