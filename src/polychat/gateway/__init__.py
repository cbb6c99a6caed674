"""The gateway: the public OpenAI-compatible API."""
