"""instructor: typed answers by tools and by JSON schema, whole and partial. Run with the API's base URL."""

import sys

import instructor
from openai import OpenAI
from pydantic import BaseModel


class Person(BaseModel):
    name: str
    age: int


ASK = [{"role": "user", "content": "Ann is 30 years old."}]
openai = OpenAI(base_url=sys.argv[1], api_key="any")
for mode in (instructor.Mode.TOOLS, instructor.Mode.TOOLS_STRICT, instructor.Mode.JSON_SCHEMA):
    client = instructor.from_openai(openai, mode=mode)
    person = client.chat.completions.create(
        model="polychat-mini", messages=ASK, response_model=Person, temperature=0, max_retries=0
    )
    assert isinstance(person, Person), mode
client = instructor.from_openai(openai, mode=instructor.Mode.TOOLS)
parts = list(
    client.chat.completions.create_partial(
        model="polychat-mini", messages=ASK, response_model=Person, temperature=0, max_retries=0
    )
)
assert parts[-1].name is not None
print("ok")
