"""LlamaIndex: complete, chat, stream, tools, structured output. Run with the URL that ends in /v1."""

import sys

from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel

llm = OpenAILike(
    model="polychat-mini",
    api_base=sys.argv[1],
    api_key="any",
    is_chat_model=True,
    is_function_calling_model=True,
    should_use_structured_outputs=True,
    temperature=0,
    max_tokens=400,
)


def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


class Person(BaseModel):
    """A person."""

    name: str
    age: int


assert llm.complete("Hello!").text
answer = llm.chat([ChatMessage(role="user", content="Hello!")]).message.content
streamed = "".join(part.delta or "" for part in llm.stream_chat([ChatMessage(role="user", content="Hello!")]))
assert streamed == answer, (streamed, answer)
tools = [FunctionTool.from_defaults(get_weather)]
called = llm.chat_with_tools(tools, "What is the weather in Oslo?", tool_required=True)
assert llm.get_tool_calls_from_response(called)[0].tool_name == "get_weather"
person = llm.as_structured_llm(Person).complete("Ann is 30 years old.")
assert isinstance(person.raw, Person), person
print("ok")
