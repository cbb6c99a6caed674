"""Where vLLM's completions depart from the published API, and how they are set right."""

from polychat.engines.base import RequestView, Shaped
from polychat.engines.llamacpp.fields import added
from polychat.engines.vllm import fields
from polychat.schema.completions import CompletionRequest


def shape(body: bytes, view: RequestView) -> Shaped:
    """One completion, of one prompt or several."""
    known = view.request
    request = known if isinstance(known, CompletionRequest) else CompletionRequest(model="", prompt="")
    return Shaped(
        view.endpoint,
        added(body, fields.sampling(request)),
        lambda data: fields.whole(data, view),
        lambda data: fields.chunk(data, view),
    )
