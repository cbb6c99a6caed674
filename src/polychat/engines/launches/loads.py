"""Metrics in Prometheus's text format as our `Load`."""

import re
from collections.abc import Callable
from dataclasses import replace

from polychat.types import Load

_SAMPLE = re.compile(rb"^([A-Za-z_:][\w:]*)(?:\{[^}\n]*\})? ([0-9.eE+-]+)", re.MULTILINE)


def sums(metrics: bytes) -> dict[str, float]:
    """Each metric's value, added up over its labels."""
    found: dict[str, float] = {}
    for name, value in _SAMPLE.findall(metrics):
        found[name.decode()] = found.get(name.decode(), 0.0) + float(value)
    return found


def load_from(
    *, running: str, waiting: str = "", kv_cache_usage: str = "", output_tokens: str = ""
) -> Callable[[bytes, Load], Load]:
    """A launch's `load_of` for an engine with metrics of these names; what has none stays as it was."""

    def load_of(metrics: bytes, before: Load) -> Load:
        values = sums(metrics)
        return replace(
            before,
            running=int(values.get(running, 0)),
            waiting=int(values.get(waiting, 0)),
            kv_cache_usage=min(1.0, values.get(kv_cache_usage, before.kv_cache_usage)),
            output_tokens_total=int(values.get(output_tokens, before.output_tokens_total)),
        )

    return load_of
