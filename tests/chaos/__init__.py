"""Chaos: real processes are killed, stopped and cut off under load, and nothing may be lost unexplained."""
