"""The three Python blocks of the blog post that brought people to FastChat, as a user types them.

Run: python walkthrough.py http://127.0.0.1:8000/v1 MODEL. Works with every OpenAI SDK from 1.0 on.
"""

import sys

from openai import OpenAI

base_url, model = sys.argv[1:]
client = OpenAI(api_key="EMPTY", base_url=base_url)

completion = client.completions.create(model=model, prompt="Once upon a time", max_tokens=64)
print("Once upon a time" + completion.choices[0].text)

chat = client.chat.completions.create(
    model=model, messages=[{"role": "user", "content": "Hello! What is your name?"}]
)
print(chat.choices[0].message.content)

stream = client.chat.completions.create(
    model=model, messages=[{"role": "user", "content": "Hello! What is your name?"}], stream=True
)
for chunk in stream:
    choice = chunk.choices[0]
    if choice.finish_reason == "stop":
        break
    print(choice.delta.content, end="", flush=True)
print()
