"""Servers that run already: polychat neither starts nor stops them, it looks at them and tells gateways."""
