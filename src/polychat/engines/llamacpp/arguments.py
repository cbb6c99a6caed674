"""Arguments of llama.cpp's own command line, for the llama.cpp that polychat brings: it has no command line.

To take another one: a line in the table. `--program` gives a llama-server all that it knows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from polychat.errors import SetupError

Value = int | float | str | bool


@dataclass(frozen=True, slots=True)
class Setting:
    """One of llama.cpp's parameters."""

    path: str  # as in xllamacpp.CommonParams, such as "cpuparams.n_threads"
    kind: type[int] | type[float] | type[str] | type[bool]
    value: bool = True  # of one that takes no word: what it sets


_SETTINGS: Mapping[tuple[str, ...], Setting] = MappingProxyType(
    {
        ("-b", "--batch-size"): Setting("n_batch", int),
        ("-ub", "--ubatch-size"): Setting("n_ubatch", int),
        ("-t", "--threads"): Setting("cpuparams.n_threads", int),
        ("-tb", "--threads-batch"): Setting("cpuparams_batch.n_threads", int),
        ("-ngl", "--gpu-layers", "--n-gpu-layers"): Setting("n_gpu_layers", int),
        ("-mg", "--main-gpu"): Setting("main_gpu", int),
        ("-ot", "--override-tensor"): Setting("tensor_buft_overrides", str),
        ("-cram", "--cache-ram"): Setting("cache_ram_mib", int),
        ("--cache-reuse",): Setting("n_cache_reuse", int),
        ("-ctxcp", "--ctx-checkpoints"): Setting("n_ctx_checkpoints", int),
        ("-sps", "--slot-prompt-similarity"): Setting("slot_prompt_similarity", float),
        ("--swa-full",): Setting("swa_full", bool),
        ("--check-tensors",): Setting("check_tensors", bool),
        ("--no-warmup",): Setting("warmup", bool, value=False),
        ("--no-kv-offload", "-nkvo"): Setting("no_kv_offload", bool),
        ("--no-mmproj-offload",): Setting("mmproj_use_gpu", bool, value=False),
        ("--image-min-tokens",): Setting("image_min_tokens", int),
        ("--image-max-tokens",): Setting("image_max_tokens", int),
        ("--rope-freq-base",): Setting("rope_freq_base", float),
        ("--rope-freq-scale",): Setting("rope_freq_scale", float),
        ("--yarn-orig-ctx",): Setting("yarn_orig_ctx", int),
        ("--yarn-ext-factor",): Setting("yarn_ext_factor", float),
        ("--yarn-attn-factor",): Setting("yarn_attn_factor", float),
        ("--yarn-beta-slow",): Setting("yarn_beta_slow", float),
        ("--yarn-beta-fast",): Setting("yarn_beta_fast", float),
        ("--spec-draft-n-max", "--draft-max", "--draft"): Setting("speculative.draft.n_max", int),
        ("--spec-draft-n-min", "--draft-min"): Setting("speculative.draft.n_min", int),
        ("--spec-draft-p-min", "--draft-p-min"): Setting("speculative.draft.p_min", float),
        ("-ngld", "--gpu-layers-draft"): Setting("speculative.draft.n_gpu_layers", int),
        ("-to", "--timeout"): Setting("timeout_read", int),
        ("-lv", "--verbosity", "--log-verbosity"): Setting("verbosity", int),
    }
)
_BY_NAME = {name: setting for names, setting in _SETTINGS.items() for name in names}


def parsed(arguments: Sequence[str]) -> list[tuple[str, Value]]:
    """The parameters that the arguments set, by their paths.

    Raises:
        SetupError: names the argument that is not known here, or its value.
    """
    found: list[tuple[str, Value]] = []
    words = list(arguments)
    while words:
        name, has_value, value = words.pop(0).partition("=")
        setting = _BY_NAME.get(name)
        if setting is None:
            raise SetupError(
                f"the llama.cpp inside polychat does not take {name}; --program llama-server passes on all "
                "arguments to one of yours"
            )
        if setting.kind is bool:
            found.append((setting.path, setting.value))
            continue
        if not has_value:
            if not words:
                raise SetupError(f"{name} needs a value")
            value = words.pop(0)
        found.append((setting.path, _value(name, value, setting.kind)))
    return found


def _value(name: str, value: str, kind: type[int] | type[float] | type[str]) -> Value:
    try:
        return kind(value)
    except ValueError:
        word = "a whole number" if kind is int else "a number"
        raise SetupError(f"{name} must be {word}, not {value!r}") from None
