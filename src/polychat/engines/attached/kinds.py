"""How to tell which program answers at an address, and what it tells of itself.

To add one: a `Kind` in KINDS. Its name is that of the engine, whose dialect gateways then use.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from polychat.engines.launches import lmdeploy, sglang, tgi, trtllm
from polychat.engines.launches.loads import load_from
from polychat.engines.llamacpp import load
from polychat.engines.vllm import launch as vllm
from polychat.types import Endpoint, Load

Facts = Mapping[str, Any]  # decoded JSON of a program that is not ours
_TOKENS = frozenset({Endpoint.TOKENIZE, Endpoint.DETOKENIZE})


LoadOf = Callable[[Sequence[bytes], Facts, Load], Load]
"""(an answer of each path, b"" if there is none; what the program told first; load before) -> load"""


def _first(load_of: Callable[[bytes, Load], Load] | None) -> LoadOf:
    """As the launch of the same program reads it."""

    def read(answers: Sequence[bytes], facts: Facts, before: Load) -> Load:
        return load_of(answers[0], before) if load_of is not None and answers[0] else before

    return read


_llamacpp_counters = load_from(
    running="llamacpp:requests_processing",
    waiting="llamacpp:requests_deferred",
    output_tokens="llamacpp:tokens_predicted_total",
)


def _llamacpp(answers: Sequence[bytes], facts: Facts, before: Load) -> Load:
    """Its slots say more than its counters; people may turn off either."""
    metrics, slots = answers
    if not slots:
        return _llamacpp_counters(metrics, before) if metrics else before
    tokens = facts["default_generation_settings"]["n_ctx"] * facts["total_slots"]
    return load.load_of(metrics, slots, kv_tokens=tokens, slots=facts["total_slots"])


def _nothing(facts: Facts) -> int | None:
    return None


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of program."""

    name: str
    owner: str = ""  # how it signs its models
    paths: tuple[str, ...] = ()  # of which one is asked where the models are not signed
    has: frozenset[str] = frozenset()  # keys of the answer by which it is known
    load_paths: tuple[str, ...] = ()
    load_of: LoadOf | None = None
    context_length: Callable[[Facts], int | None] = _nothing
    slots: Callable[[Facts], int | None] = _nothing
    endpoints: frozenset[Endpoint] = frozenset()  # beside the usual ones


OPENAI = Kind("openai")  # any other

KINDS = (
    Kind("polychat", owner="polychat"),
    Kind(
        "llamacpp",
        owner="llamacpp",
        paths=("/props",),
        has=frozenset({"default_generation_settings"}),
        load_paths=("/metrics", "/slots"),
        load_of=_llamacpp,
        context_length=lambda facts: facts["default_generation_settings"]["n_ctx"],
        slots=lambda facts: facts["total_slots"],
        endpoints=_TOKENS,
    ),
    Kind(
        "sglang",
        owner="sglang",
        paths=("/get_server_info", "/server_info"),
        has=frozenset({"model_path"}),
        load_paths=("/metrics",),
        load_of=_first(sglang.LAUNCH.load_of),
        slots=lambda facts: facts["max_running_requests"],
        endpoints=_TOKENS,
    ),
    Kind(
        "tgi",
        paths=("/info",),
        has=frozenset({"model_id", "max_total_tokens"}),
        load_paths=("/metrics",),
        load_of=_first(tgi.LAUNCH.load_of),
        context_length=lambda facts: facts["max_total_tokens"],
    ),
    Kind("lmdeploy", owner="lmdeploy", load_paths=("/metrics",), load_of=_first(lmdeploy.LAUNCH.load_of)),
    Kind(
        "trtllm",
        owner="tensorrt_llm",
        load_paths=(trtllm.LAUNCH.load_path,),
        load_of=_first(trtllm.LAUNCH.load_of),
    ),
    Kind("ollama", owner="library", paths=("/api/version",), has=frozenset({"version"})),
    Kind(
        "vllm",
        owner="vllm",
        paths=("/version",),
        has=frozenset({"version"}),
        load_paths=("/metrics",),
        load_of=_first(vllm.LAUNCH.load_of),
        endpoints=_TOKENS,
    ),
)


def named(engine: str) -> Kind:
    """The kind called `engine`; like any other, but of that name, if nothing is known of it."""
    return next((kind for kind in KINDS if kind.name == engine), Kind(engine))


def told(read: Callable[[Facts], int | None], facts: Facts) -> int | None:
    """What a program says, None if another version of it does not."""
    try:
        value = read(facts)
    except (KeyError, TypeError, IndexError):
        return None
    return value if isinstance(value, int) and value > 0 else None
