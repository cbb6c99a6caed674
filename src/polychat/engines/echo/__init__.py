"""The engine without weights: deterministic answers at any pace, for tests, demos and load."""
