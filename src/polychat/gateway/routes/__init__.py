"""One file an API route."""
