"""What a replica is asked for each of Anthropic's requests: the published request's fields."""

from polychat.compat.anthropic.messages import Fields, published
from polychat.compat.anthropic.requests import Conversation, MessagesRequest, Tool, ToolChoice

_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
_EFFORTS = {"low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}


def chat(request: MessagesRequest) -> Fields:
    """The chat request behind /v1/messages."""
    fields = _conversation(request) | {"max_tokens": request.max_tokens}
    if request.stream:
        fields |= {"stream": True, "stream_options": {"include_usage": True}}
    if request.stop_sequences:
        # `verbose` makes llama.cpp say which of them it met; vLLM and SGLang say it unasked.
        fields |= {"stop": request.stop_sequences, "verbose": True}
    if request.tool_choice and request.tools:
        fields |= _tool_choice(request.tool_choice)
    if request.metadata and request.metadata.user_id:
        fields["user"] = request.metadata.user_id
    sampling = {name: getattr(request, name) for name in ("temperature", "top_p", "top_k")}
    return fields | _form(request) | {name: value for name, value in sampling.items() if value is not None}


def count(request: Conversation) -> Fields:
    """The request for a chat's tokens behind /v1/messages/count_tokens."""
    return _conversation(request)


def _conversation(request: Conversation) -> Fields:
    fields: Fields = {"model": request.model, "messages": published(request.messages, request.system)}
    if request.tools:
        fields["tools"] = [_tool(tool) for tool in request.tools]
    if request.is_prefilled:
        fields |= {"continue_final_message": True, "add_generation_prompt": False}
    if request.thinking or request.is_prefilled:  # one cannot go on with an answer by thinking first
        is_enabled = request.thinking is not None and request.thinking.is_enabled
        fields["chat_template_kwargs"] = {"enable_thinking": is_enabled and not request.is_prefilled}
    return fields


def _tool(tool: Tool) -> Fields:
    function: Fields = {"name": tool.name, "parameters": tool.input_schema}
    if tool.description is not None:
        function["description"] = tool.description
    return {"type": "function", "function": function}


def _tool_choice(choice: ToolChoice) -> Fields:
    named = {"type": "function", "function": {"name": choice.name}}
    fields: Fields = {"tool_choice": _CHOICES.get(choice.type, named)}
    return fields | ({"parallel_tool_calls": False} if choice.disable_parallel_tool_use else {})


def _form(request: MessagesRequest) -> Fields:
    """What the answer must look like, and how hard to try."""
    config, fields = request.output_config, Fields()
    if config and config.effort:
        fields["reasoning_effort"] = _EFFORTS[config.effort]
    if form := (config and config.format) or request.output_format:
        # Not `strict`, which asks more of a schema than Anthropic does. Engines hold to it either way.
        schema = {"name": "answer", "schema": form.schema}
        fields["response_format"] = {"type": "json_schema", "json_schema": schema}
    return fields
