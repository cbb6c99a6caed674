"""LangChain: invoke, stream, tools in a loop, structured output. Run with the URL that ends in /v1."""

import sys

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

model = ChatOpenAI(model="polychat-mini", base_url=sys.argv[1], api_key="any", temperature=0, max_tokens=400)


@tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


class Person(BaseModel):
    name: str
    age: int


answer = model.invoke("Hello!")
assert answer.content
assert answer.usage_metadata["output_tokens"] > 0
streamed = "".join(chunk.content for chunk in model.stream("Hello!"))
assert streamed == answer.content, (streamed, answer.content)

question = HumanMessage("What is the weather in Oslo?")
call = model.bind_tools([get_weather], tool_choice="get_weather").invoke([question])
assert call.tool_calls[0]["name"] == "get_weather"
result = ToolMessage(get_weather.invoke(call.tool_calls[0]["args"]), tool_call_id=call.tool_calls[0]["id"])
assert model.bind_tools([get_weather]).invoke([question, call, result]).content

for method in ("json_schema", "function_calling"):
    person = model.with_structured_output(Person, method=method).invoke("Ann is 30 years old.")
    assert isinstance(person, Person), person
print("ok")
