"""Ollama's API, /api/…: `generation` and `embedding` run a model, `catalog` says what models there are."""
