"""OpenAI's Responses API, translated to chat completions and back.

A request goes through requests.py (typed, checked), items.py (what was said, with ids), messages.py and
tools.py to asks.py (the chat request). Its answer goes through output.py (items that grow) to answer.py (the
response and its events).
"""
