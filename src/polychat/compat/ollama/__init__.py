"""Ollama's API over the published one: requests in, answers out, all of it pure.

Reading order: `requests` (what clients send), `asks` with `options` and `messages` (what a replica is asked),
`face` with `answers` and `calls` (what clients get), `embeddings`, `cards` (models), `errors`.

Source: https://github.com/ollama/ollama, docs/api.md and docs/openapi.yaml, as of release 0.12.11.
"""

API_VERSION = "0.12.11"
"""What clients are told at /api/version: they compare it with the release that their features need."""
