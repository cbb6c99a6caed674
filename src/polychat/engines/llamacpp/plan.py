"""How llama.cpp shares this machine among requests: pure arithmetic over what there is."""

from dataclasses import dataclass

from polychat.engines.gguf_header import Header
from polychat.engines.machine import Machine
from polychat.errors import SetupError

DEFAULT_SLOTS = 4
SMALLEST_CONTEXT = 512  # tokens; below that nothing useful fits
KV_CACHE_SHARE = 0.25  # of free memory that a KV cache takes without being asked
LARGEST_SHARE = 0.9  # of free memory that it may take when asked
PROMPT_CACHE_SHARE = 1 / 16  # of free memory for the prompts of earlier chats
LARGEST_PROMPT_CACHE_MIB = 2048
TINY_BYTES = 64 << 20  # of weights; below that threads wait for each other longer than they compute
_STEP = 256  # llama.cpp rounds contexts up to it
_UNKNOWN_CONTEXT = 4096  # tokens, for a file that does not say
_MIB = 1 << 20
_GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Plan:
    """Slots and memory. Each request may use `context_length` tokens, while there is room."""

    slots: int
    context_length: int
    kv_tokens: int  # all slots together
    kv_unified: bool  # slots share one KV cache
    cache_ram_mib: int
    n_batch: int  # tokens computed at once; 0: as llama.cpp likes


def plan(header: Header, *, free_bytes: int, context_length: int | None, slots: int | None) -> Plan:
    """Slots and contexts for a model whose weights have been taken off `free_bytes` already.

    Slots share the KV cache when it is smaller than slots x context_length, and always where vectors are
    pooled: with a cache each, llama.cpp mixes up the inputs of one batch (seen with xllamacpp 2026.10).

    Raises:
        SetupError: the context asked for is longer than the model's, or needs more memory than there is.
    """
    num_slots = slots or DEFAULT_SLOTS
    token_bytes = max(header.kv_bytes_per_token, 1)
    trained = header.context_length or _UNKNOWN_CONTEXT
    if context_length is None:
        affordable = int(free_bytes * KV_CACHE_SHARE) // token_bytes
        context = min(trained, max(SMALLEST_CONTEXT, affordable // _STEP * _STEP))
    else:
        affordable = int(free_bytes * LARGEST_SHARE) // token_bytes
        context = _checked(context_length, trained, affordable, token_bytes)
    wanted = context * num_slots
    return Plan(
        slots=num_slots,
        context_length=context,
        kv_tokens=wanted if wanted <= affordable else max(context, affordable // _STEP * _STEP),
        kv_unified=wanted > affordable or header.embeds or header.ranks,
        n_batch=context if _reads_at_once(header) else 0,
        cache_ram_mib=min(LARGEST_PROMPT_CACHE_MIB, int(free_bytes * PROMPT_CACHE_SHARE) // _MIB),
    )


def _reads_at_once(header: Header) -> bool:
    """Whether llama.cpp must compute the whole of an input in one batch: pooling needs all of its tokens."""
    return header.ranks or (header.embeds and not header.pools_last)


def threads(weights_bytes: int, available: int) -> int:
    """How many of the `available` cores work on one batch.

    A tiny model is as fast on one, and ten times faster when others want the cores too: its threads meet
    hundreds of times a token, and each meeting waits for the last.
    """
    return 1 if weights_bytes < TINY_BYTES else available


def require_room(weights_bytes: int, here: Machine, num_gpus: int | None) -> None:
    """Refuse weights that fit nowhere: llama.cpp would read them from the disk again for every token.

    Raises:
        SetupError: says what they take and what there is.
    """
    gpus = here.gpus if num_gpus is None else here.gpus[:num_gpus]
    known = [gpu.free_bytes for gpu in gpus if gpu.free_bytes is not None]
    room_bytes = here.free_bytes + sum(known)
    if len(known) < len(gpus) or weights_bytes <= room_bytes:
        return
    raise SetupError(
        f"the weights take {weights_bytes / _GIB:.1f} GiB, and {room_bytes / _GIB:.1f} GiB are free; "
        "take a smaller quantisation, such as Q4_K_M, or a smaller model"
    )


def _checked(asked: int, trained: int, affordable: int, token_bytes: int) -> int:
    if asked > trained:
        raise SetupError(
            f"--context-length {asked} is more than the {trained} tokens this model was trained on"
        )
    if asked > affordable:
        raise SetupError(
            f"--context-length {asked} needs {asked * token_bytes / _MIB:.0f} MiB of KV cache; "
            f"at most {affordable} tokens fit into what is free, or more with --kv-cache-dtype q8_0 or q4_0"
        )
    return asked
