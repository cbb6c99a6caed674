"""Where vLLM's completions depart from the published API, and how they are set right."""

from typing import Any

import msgspec

from polychat.engines.base import RequestView, Shaped
from polychat.engines.llamacpp.fields import added
from polychat.engines.steady import Steady
from polychat.engines.vllm import fields
from polychat.schema.completions import CompletionRequest

Document = dict[str, Any]  # Any: decoded JSON


def shape(body: bytes, view: RequestView) -> Shaped:
    """One completion, of one prompt or several."""
    known = view.request
    request = known if isinstance(known, CompletionRequest) else CompletionRequest(model="", prompt="")
    chooses = (request.best_of or 1) > (request.n or 1)

    def response(data: bytes) -> bytes:
        answer = fields.whole(data, view)
        return _best(answer, request) if chooses else answer

    more = fields.sampling(request, num_choices=request.best_of or request.n or 1)
    if chooses:
        more = {**more, "best_of": None, "n": request.best_of, "logprobs": request.logprobs or 0}
    return Shaped(view.endpoint, added(body, more), response, Steady(lambda data: fields.chunk(data, view)))


def _best(data: bytes, request: CompletionRequest) -> bytes:
    """The `n` likeliest choices of each prompt, of the `best_of` that were made: vLLM has no such choice."""
    document: Document = msgspec.json.decode(data)
    num_made, num_kept = request.best_of or 1, request.n or 1
    kept: list[Document] = []
    for start in range(0, len(document["choices"]), num_made):
        made = document["choices"][start : start + num_made]
        kept += sorted(made, key=_likelihood, reverse=True)[:num_kept]
    for index, choice in enumerate(kept):
        choice["index"] = index
        if request.logprobs is None:
            choice["logprobs"] = None
    return msgspec.json.encode(document | {"choices": kept})


def _likelihood(choice: Document) -> float:
    """Mean log probability of a token."""
    told = [value for value in (choice["logprobs"] or {}).get("token_logprobs") or () if value is not None]
    return sum(told) / len(told) if told else 0.0
