"""Computes with torch and transformers, in its own threads; knows nothing of HTTP. Enter by `opening`."""
