"""How much KV cache a model's config makes for each token. Pure arithmetic."""

from collections.abc import Mapping
from dataclasses import dataclass

Config = Mapping[str, object]

_WITHOUT_CACHE = frozenset({"linear_attention", "mamba", "mamba2", "conv", "recurrent", "moe", "mlp"})
_WINDOWED = frozenset({"sliding_attention", "chunked_attention", "local"})
_GEMMA2_PATTERN = 2  # every second layer sees everything; its config does not say so


@dataclass(frozen=True, slots=True)
class KvCache:
    """Values, keys and values together, over all layers."""

    values: int  # a token, in layers that see the whole context
    windowed_values: int = 0  # a token, in layers that see `window` tokens
    window: int = 0
    latent_values: int = 0  # a token, for engines that keep what keys and values are made from (MLA)

    def num_values(self, tokens: int, *, keeps_latents: bool = False) -> int:
        """For one request of so many tokens."""
        if keeps_latents and self.latent_values:
            return self.latent_values * tokens
        return self.values * tokens + self.windowed_values * min(tokens, self.window)


def of(config: Config) -> KvCache | None:
    """The KV cache of a decoder with this config; None if it does not tell enough."""
    layers = _number(config, "num_hidden_layers", "n_layer", "num_layers", "n_layers")
    heads = _number(config, "num_attention_heads", "n_head", "num_heads", "n_heads")
    hidden = _number(config, "hidden_size", "n_embd", "d_model", "dim")
    if not layers or not heads or not hidden:
        return None
    if rank := _number(config, "kv_lora_rank"):
        return _latent(config, layers, heads, rank)
    head_values = _number(config, "head_dim", "kv_channels", "d_kv") or hidden // heads
    layer_values = 2 * _kv_heads(config, heads) * head_values
    full, windowed = _layers(config, layers)
    return KvCache(
        values=full * layer_values,
        windowed_values=windowed * layer_values,
        window=_number(config, "sliding_window", "attention_chunk_size") if windowed else 0,
    )


def _latent(config: Config, layers: int, heads: int, rank: int) -> KvCache:
    rope = _number(config, "qk_rope_head_dim")
    key = _number(config, "qk_nope_head_dim") + rope
    return KvCache(
        values=layers * heads * (key + _number(config, "v_head_dim")),
        latent_values=layers * (rank + rope),
    )


def _kv_heads(config: Config, heads: int) -> int:
    if config.get("multi_query") is True and config.get("new_decoder_architecture") is not True:
        return 1
    return (
        _number(config, "num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num") or heads
    )


def _layers(config: Config, layers: int) -> tuple[int, int]:
    """Layers that keep the whole context, and those that keep a window of it."""
    found = config.get("layer_types")
    if isinstance(found, list):
        kinds = [str(kind) for kind in found]
        windowed = sum(kind in _WINDOWED for kind in kinds)
        return len(kinds) - windowed - sum(kind in _WITHOUT_CACHE for kind in kinds), windowed
    if every := _number(config, "full_attention_interval", "attn_layer_period"):
        return layers // every, 0
    if not _number(config, "sliding_window") or config.get("use_sliding_window") is False:
        return layers, 0
    pattern = _number(config, "sliding_window_pattern")
    pattern = pattern or (_GEMMA2_PATTERN if config.get("model_type") == "gemma2" else 0)
    full = layers // pattern if pattern else 0
    return full, layers - full


def _number(config: Config, *names: str) -> int:
    """The first of the names that has a whole number, 0 if none has."""
    found = (config.get(name) for name in names)
    return next((n for n in found if isinstance(n, int) and not isinstance(n, bool) and n > 0), 0)
