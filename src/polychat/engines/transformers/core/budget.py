"""How much memory the KV cache takes, and how many tokens a step computes: pure arithmetic."""

from dataclasses import dataclass

from polychat.errors import SetupError

PAGE_TOKENS = 32  # of KV cache that a request takes at a time
DEFAULT_SLOTS = 32  # requests in one batch; the KV cache decides how many long ones really fit
SMALLEST_CONTEXT = 512  # tokens; below that nothing useful fits
LARGEST_SHARE = 0.9  # of free memory that the KV cache may take when asked
_SPARE_PAGES = 2  # a request that fills the context must find one more, and one is lost to rounding
_INDEX_BYTES = 8


@dataclass(frozen=True, slots=True)
class Shape:
    """What the KV cache of one model costs."""

    token_bytes: int  # of keys and values of one token, all layers together
    value_bytes: int  # of one number
    trained_context: int  # tokens
    needs_mask: bool  # attention reads a mask over the whole cache
    on_gpu: bool


@dataclass(frozen=True, slots=True)
class Budget:
    """The batch and its cache. Each request may use `context_length` tokens, while there is room."""

    slots: int
    context_length: int
    num_pages: int
    batch_tokens: int  # computed in one step, prompts and answers together

    @property
    def kv_tokens(self) -> int:
        return self.num_pages * PAGE_TOKENS


def budget(shape: Shape, *, free_bytes: int, context_length: int | None, slots: int | None) -> Budget:
    """Cache and batch for a model whose weights have been taken off `free_bytes` already.

    Raises:
        SetupError: the context asked for is longer than the model's, or needs more memory than there is.
    """
    num_slots = slots or DEFAULT_SLOTS
    batch_tokens = max(2048 if shape.on_gpu else 512, num_slots)
    token_bytes = _token_bytes(shape, batch_tokens)
    share = 0.8 if shape.on_gpu else 0.25  # a GPU has nothing else to do with its memory
    affordable = int(free_bytes * share) // token_bytes
    if context_length is None:
        context = min(shape.trained_context, max(SMALLEST_CONTEXT, affordable - _SPARE_PAGES * PAGE_TOKENS))
    else:
        affordable = int(free_bytes * LARGEST_SHARE) // token_bytes
        context = _checked(context_length, shape.trained_context, affordable, token_bytes)
    smallest = -(-context // PAGE_TOKENS) + _SPARE_PAGES
    wanted = smallest * num_slots
    return Budget(
        slots=num_slots,
        context_length=context,
        num_pages=max(smallest, min(wanted, affordable // PAGE_TOKENS)),
        batch_tokens=batch_tokens,
    )


def _token_bytes(shape: Shape, batch_tokens: int) -> int:
    """Of one token in the cache, with its part of the indices and of the mask."""
    mask = batch_tokens * shape.value_bytes if shape.needs_mask else 0
    return shape.token_bytes + _INDEX_BYTES + mask


def _checked(asked: int, trained: int, affordable: int, token_bytes: int) -> int:
    if asked > trained:
        raise SetupError(f"--context-length {asked} is more than the {trained} tokens that this model reads")
    if asked > affordable:
        raise SetupError(
            f"--context-length {asked} needs {asked * token_bytes / 1e9:.1f} GB of memory for the KV cache, "
            f"and {affordable * token_bytes / 1e9:.1f} GB are free: ask for at most {affordable}"
        )
    return asked
