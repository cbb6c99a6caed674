"""Computes with torch and transformers, in threads of its own; knows nothing of HTTP. The way in is `opening`."""
