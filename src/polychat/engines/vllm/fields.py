"""Edits of vLLM's JSON documents as bytes, for every route that generates. Seen with version 0.32.0.

Texts in these documents are escaped, so a key with its bare quotes is never part of what the model said.
"""

import re

from polychat.engines.base import RequestView
from polychat.schema.generation import GenerationRequest

_PRIVATE = re.compile(
    rb',"(?:(?:prompt_logprobs|prompt_token_ids|prompt_text|token_ids|routed_experts|kv_transfer_params'
    rb"|ec_transfer_params|metrics|completion_tokens_details|audio|function_call|reasoning)\":null"
    rb'|(?:created_cache_tokens|multimodal_tokens)":(?:null|\d+)'
    rb'|stop_reason":(?:null|\d+|"(?:[^"\\]|\\.)*"))'
)
_THOUGHT, _PUBLISHED_THOUGHT = b'"reasoning":"', b'"reasoning_content":"'
_NO_ANNOTATIONS = b'"annotations":null'
_USAGE = b'"usage":'
GREEDY: dict[str, object] = {"temperature": 1.0, "top_p": 1.0, "top_k": 1}


def published(data: bytes, view: RequestView) -> bytes:
    """An answer, or a chunk of one, without vLLM's own fields unless they are asked for."""
    data = data.replace(_THOUGHT, _PUBLISHED_THOUGHT)
    return data if view.wants_private_fields else _PRIVATE.sub(b"", data)


def chunk(data: bytes, view: RequestView) -> bytes:
    """A chunk of a stream; the ones before the token counts say that there are none yet."""
    data = published(data, view)
    if view.include_usage and _USAGE not in data:
        return data[:-1] + b',"usage":null}'
    return data


def whole(data: bytes, view: RequestView) -> bytes:
    """A whole answer."""
    return published(data, view).replace(_NO_ANNOTATIONS, b'"annotations":[]')


def sampling(request: GenerationRequest, *, num_choices: int) -> dict[str, object]:
    """What vLLM must be told to sample as the published API has it.

    It refuses several choices at temperature 0, and a `top_p` of 0: the likeliest token of one is the same.
    """
    if request.top_p == 0 or (request.temperature == 0 and num_choices > 1):
        return GREEDY
    return {}
