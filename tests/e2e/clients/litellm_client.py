"""LiteLLM: chat, stream, tools, completions, Responses, its error classes. Run with the URL ending in /v1."""

import os
import sys

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it asks the network for prices

import litellm  # reads that variable when it is imported

URL = sys.argv[1]
CHAT = {
    "model": "openai/polychat-mini",
    "api_base": URL,
    "api_key": "any",
    "messages": [{"role": "user", "content": "Hello!"}],
    "temperature": 0,
    "max_tokens": 400,
}
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}

answer = litellm.completion(**CHAT)
assert answer.usage.completion_tokens > 0
chunks = litellm.completion(**CHAT, stream=True, stream_options={"include_usage": True})
streamed = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
assert streamed == answer.choices[0].message.content, (streamed, answer)
called = litellm.completion(**CHAT, tools=[TOOL], tool_choice="required")
assert called.choices[0].message.tool_calls[0].function.name == "get_weather"
text = litellm.text_completion(
    model="text-completion-openai/polychat-mini", api_base=URL, api_key="any", prompt="Hello", max_tokens=5
)
assert text.choices[0].finish_reason
said = litellm.responses(model="openai/polychat-mini", api_base=URL, api_key="any", input="Hello!")
assert said.output
claude = litellm.completion(
    **CHAT | {"model": "anthropic/polychat-mini", "api_base": URL.removesuffix("/v1")}
)
assert claude.choices[0].message.content
for change, kind in (
    ({"model": "openai/nobody"}, litellm.NotFoundError),
    ({"temperature": 5}, litellm.BadRequestError),
    ({"messages": [{"role": "user", "content": "word " * 5000}]}, litellm.ContextWindowExceededError),
):
    try:
        litellm.completion(**CHAT | change)
    except kind:
        continue
    raise AssertionError(f"{change} raised no {kind}")
print("ok")
