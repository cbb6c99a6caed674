"""One async client of our own API."""
