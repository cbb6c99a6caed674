"""The Response object: what it says of its request, before and after there is an answer."""

from polychat.compat.responses.items import Json, response_id
from polychat.compat.responses.requests import ResponseRequest
from polychat.errors import PlatformError

UNFINISHED = frozenset({"queued", "in_progress"})


def begun(request: ResponseRequest, document: Json, *, key: str, created_at: int) -> Json:
    """The object of a response that has no output yet. `document` is the request's JSON, which it echoes."""
    text, reasoning = request.text, request.reasoning
    return {
        "id": response_id(key),
        "object": "response",
        "created_at": created_at,
        "completed_at": None,
        "status": "in_progress",
        "background": bool(request.background),
        "error": None,
        "incomplete_details": None,
        "instructions": request.instructions,
        "max_output_tokens": request.max_output_tokens,
        "max_tool_calls": request.max_tool_calls,
        "metadata": request.metadata or {},
        "model": request.model,
        "output": [],
        "parallel_tool_calls": request.parallel_tool_calls is not False,
        "previous_response_id": request.previous_response_id,
        "prompt_cache_key": request.prompt_cache_key,
        "reasoning": {
            "effort": reasoning.effort if reasoning else None,
            "summary": reasoning.summary if reasoning else None,
        },
        "safety_identifier": request.safety_identifier,
        "service_tier": "default",
        "store": request.is_stored,
        "temperature": request.temperature,
        "text": {
            "format": (document.get("text") or {}).get("format") or {"type": "text"},
            "verbosity": (text.verbosity if text else None) or "medium",
        },
        "tool_choice": document.get("tool_choice") or "auto",
        "tools": [_tool(tool) for tool in document.get("tools") or []],
        "top_logprobs": request.top_logprobs or 0,
        "top_p": request.top_p,
        "truncation": request.truncation or "disabled",
        "usage": None,
        "user": request.user,
    }


def failed(response: Json, *, message: str, code: str = "server_error") -> Json:
    """The same response, given up."""
    return response | {"status": "failed", "error": {"code": code, "message": message}}


def error_code(error: PlatformError) -> str:
    """The published code nearest to a platform's error."""
    return "invalid_prompt" if 400 <= error.status < 500 else "server_error"


def _tool(tool: Json) -> Json:
    if tool["type"] == "custom":
        return tool
    return {"description": None, "parameters": None, "strict": None} | tool
