"""Settings from polychat.toml, checked once."""
