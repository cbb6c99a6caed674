import pytest

from polychat.engines import kv_cache
from polychat.engines.kv_cache import KvCache

LLAMA = {"num_hidden_layers": 32, "num_attention_heads": 32, "hidden_size": 4096}


@pytest.mark.parametrize(
    ("config", "cache"),
    [
        (LLAMA, KvCache(32 * 2 * 4096)),
        (LLAMA | {"num_key_value_heads": 8}, KvCache(32 * 2 * 8 * 128)),
        (LLAMA | {"num_key_value_heads": 8, "head_dim": 64}, KvCache(32 * 2 * 8 * 64)),
        ({"n_layer": 12, "n_head": 12, "n_embd": 768}, KvCache(12 * 2 * 768)),
        ({"num_layers": 6, "num_heads": 8, "d_model": 512, "d_kv": 64}, KvCache(6 * 2 * 512)),
        (LLAMA | {"multi_query": True}, KvCache(32 * 2 * 128)),
        (LLAMA | {"sliding_window": 4096}, KvCache(0, 32 * 2 * 4096, 4096)),
        (LLAMA | {"sliding_window": 4096, "use_sliding_window": False}, KvCache(32 * 2 * 4096)),
        (LLAMA | {"sliding_window": 512, "sliding_window_pattern": 8}, KvCache(4 * 8192, 28 * 8192, 512)),
        (LLAMA | {"sliding_window": 512, "model_type": "gemma2"}, KvCache(16 * 8192, 16 * 8192, 512)),
        (
            LLAMA
            | {
                "layer_types": ["full_attention", "sliding_attention", "linear_attention"],
                "sliding_window": 9,
            },
            KvCache(8192, 8192, 9),
        ),
        (LLAMA | {"full_attention_interval": 4}, KvCache(8 * 8192)),
    ],
)
def test_the_config_tells_the_values_of_a_token(config: dict[str, object], cache: KvCache) -> None:
    assert kv_cache.of(config) == cache


def test_latents_are_counted_for_engines_that_keep_them() -> None:
    deepseek = {
        **LLAMA,
        "num_hidden_layers": 2,
        "kv_lora_rank": 512,
        "qk_nope_head_dim": 128,
        "qk_rope_head_dim": 64,
        "v_head_dim": 128,
    }
    cache = kv_cache.of(deepseek)
    assert cache == KvCache(2 * 32 * (192 + 128), latent_values=2 * 576)
    assert cache.num_values(10, keeps_latents=True) == 11520
    assert cache.num_values(10) == 204800


def test_a_window_bounds_what_its_layers_keep() -> None:
    cache = KvCache(10, 100, window=50)
    assert [cache.num_values(tokens) for tokens in (10, 50, 1000)] == [1100, 5500, 15000]


@pytest.mark.parametrize("config", [{}, {"hidden_size": 5}, {"num_hidden_layers": True, "hidden_size": 1}])
def test_a_config_that_says_too_little_gives_none(config: dict[str, object]) -> None:
    assert kv_cache.of(config) is None
