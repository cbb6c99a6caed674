"""The scenarios, one file an area."""
