"""pydantic-ai: typed results over chat, Responses and Messages. Run with the URL that ends in /v1."""

import sys

from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

URL = sys.argv[1]
openai = OpenAIProvider(base_url=URL, api_key="any")
anthropic = AnthropicProvider(base_url=URL.removesuffix("/v1"), api_key="any")
MODELS = [
    OpenAIChatModel("polychat-mini", provider=openai),
    OpenAIResponsesModel("polychat-mini", provider=openai),
    AnthropicModel("polychat-mini", provider=anthropic),
]


class Person(BaseModel):
    name: str
    age: int


for model in MODELS:
    settings = {"temperature": 0.0, "max_tokens": 400}
    assert Agent(model, model_settings=settings).run_sync("Hello!").output, model
    outputs = [Person] if isinstance(model, AnthropicModel) else [Person, NativeOutput(Person)]
    for output in outputs:
        typed = Agent(model, output_type=output, model_settings=settings, retries=0)
        assert isinstance(typed.run_sync("Ann is 30 years old.").output, Person), (model, output)
print("ok")
