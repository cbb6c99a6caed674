"""Tests of the built-in model: its corpus and its file."""
