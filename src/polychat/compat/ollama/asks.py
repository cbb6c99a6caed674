"""What a replica is asked for each of Ollama's requests: the published request's body.

`model` is the name under which the model is served; the client's may have a tag.
"""

import msgspec

from polychat.compat.ollama import messages
from polychat.compat.ollama.options import Options, sampling
from polychat.compat.ollama.requests import ChatRequest, EmbedRequest, GenerateRequest, Generation


def chat(request: ChatRequest, model: str) -> bytes:
    """The chat request behind /api/chat.

    Raises:
        RequestError: an image is none.
    """
    fields = _chat_fields(request, model) | {"messages": messages.published(request.messages or [])}
    if request.tools:
        fields["tools"] = request.tools
    return msgspec.json.encode(fields)


def generate(request: GenerateRequest, model: str) -> bytes:
    """The chat request behind /api/generate: one turn, as the model's template makes a prompt of it.

    Raises:
        RequestError: an image is none.
    """
    said: list[dict[str, object]] = [{"role": "system", "content": request.system}] if request.system else []
    said.append(
        {"role": "user", "content": messages.content(request.prompt or "", request.images or [], "images")}
    )
    return msgspec.json.encode(_chat_fields(request, model) | {"messages": said})


def completion(request: GenerateRequest, model: str) -> dict[str, object]:
    """The fields of the completion request behind /api/generate with `raw` or `suffix`."""
    fields = _common(request, model) | {"prompt": request.prompt or ""}
    if request.suffix:
        fields["suffix"] = request.suffix
    if request.logprobs:
        fields["logprobs"] = request.top_logprobs or 0
    if "max_tokens" not in fields:
        fields |= {"max_tokens": None, "n_predict": -1}  # a completion of no given length would be short
    if request.format:
        fields["response_format"] = _response_format(request)
        fields["json_schema"] = {"type": "object"} if request.format == "json" else request.format
    return fields


def embeddings(request: EmbedRequest, model: str) -> bytes:
    """The embedding request behind /api/embed."""
    fields: dict[str, object] = {"model": model, "input": request.input, "encoding_format": "float"}
    if request.dimensions is not None:
        fields["dimensions"] = request.dimensions
    if request.truncate is not False:
        fields["truncate_prompt_tokens"] = -1  # vLLM's: cut what does not fit
    return msgspec.json.encode(fields)


def _common(request: Generation, model: str) -> dict[str, object]:
    options = request.options or Options()
    fields: dict[str, object] = {"model": model} | sampling(options)
    if request.streams:
        fields |= {"stream": True, "stream_options": {"include_usage": True}}
    if options.max_tokens is not None:
        fields["max_tokens"] = options.max_tokens
    return fields


def _chat_fields(request: Generation, model: str) -> dict[str, object]:
    fields = _common(request, model)
    if request.format:
        fields["response_format"] = _response_format(request)
    if request.think is not None:
        fields["chat_template_kwargs"] = {"enable_thinking": bool(request.think)}
    if isinstance(request.think, str):
        fields["reasoning_effort"] = request.think
    if request.logprobs:
        fields |= {"logprobs": True, "top_logprobs": request.top_logprobs or 0}
    return fields


def _response_format(request: Generation) -> dict[str, object]:
    if request.format == "json":
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": request.format}}
